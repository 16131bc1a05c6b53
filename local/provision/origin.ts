/** One origin of a program. */
export interface Origin {
  /** Name for people, for example "the archive of Temporal's releases". */
  label: string;
  /** The program's version from this origin; names its folder in the cache. */
  version: string;
  /** Puts the program into the empty `folder` or below it, and returns its path. Rejects with the reason. */
  obtain(folder: string, context: OriginContext): Promise<string>;
}

export interface OriginContext {
  env: NodeJS.ProcessEnv;
  /** Receives progress in short phrases, for example "12 of 98 MB". */
  progress(phrase: string): void;
  signal: AbortSignal | undefined;
}
