import type { FailureCode } from '../contract/failures.ts';

/** An error of the local stack. The message says what to do. */
export type LocalErrorCode = Extract<
  FailureCode,
  | 'BinaryUnavailable'
  | 'PortTaken'
  | 'StackRunning'
  | 'StartFailed'
  | 'StartCanceled'
  | 'CrashLoop'
  | 'MongoDBUnreachable'
  | 'TemporalUnreachable'
>;

export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message of a thrown value, with the cause that Node's fetch hides behind "fetch failed". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message || error.cause.name}` : '';
  return `${error.message}${cause}`;
}
