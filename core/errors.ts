import type { FailureCode } from '../contract/failures.ts';

/**
 * A mistake of the caller's that no retry can mend: a folder that is not there, an unknown dataset, a model without a file.
 * `code` is one of the table's (contract/failures.ts); the message says what was wrong, with which value, and what to do.
 */
export class UserError extends Error {
  readonly code: FailureCode;
  /** The fields of the input that it is about, as `load.embed_window.time_zone`; none where it is about no field. */
  readonly fields: readonly string[];

  constructor(code: FailureCode, message: string, options: ErrorOptions & { fields?: readonly string[] } = {}) {
    super(message, options);
    this.name = code;
    this.code = code;
    this.fields = options.fields ?? [];
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, …), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
