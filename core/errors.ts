/**
 * A mistake of the caller's that no retry can mend: a folder that is not there, an unknown dataset, a model without a file.
 * `code` is stable and meant for programs; the message says what was wrong, with which value, and what to do.
 */
export class UserError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = code;
    this.code = code;
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, …), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
