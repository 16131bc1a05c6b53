/** What can go wrong with the local stack; `code` is stable, the message says what to do. */
export type LocalErrorCode =
  | 'BINARY_UNAVAILABLE'
  | 'PORT_TAKEN'
  | 'ALREADY_RUNNING'
  | 'START_FAILED'
  | 'CRASH_LOOP'
  | 'UNREACHABLE'
  | 'CANCELED';

export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message of whatever was thrown, with the cause that Node's fetch hides behind "fetch failed". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message || error.cause.name}` : '';
  return `${error.message}${cause}`;
}
