/** One way of getting a program. */
export interface Origin {
  /** Names the way, as in "the archive of Temporal's releases". */
  label: string;
  /** The program's version that comes from there: the name of its folder in the cache. */
  version: string;
  /** Puts the program somewhere below `folder`, which is empty, and returns its path. Rejects with the reason why not. */
  obtain(folder: string, context: OriginContext): Promise<string>;
}

export interface OriginContext {
  env: NodeJS.ProcessEnv;
  /** Hears of progress, in short phrases as "12 of 98 MB". */
  progress(phrase: string): void;
  signal: AbortSignal | undefined;
}
