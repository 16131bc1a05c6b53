import type { FailureCode } from '../contract/failures.ts';

/**
 * A caller's mistake that no retry can fix: a missing folder, an unknown dataset, a model without a file. `code` is in
 * the table of contract/failures.ts. The message says what was wrong, with which value, and what to do.
 */
export class UserError extends Error {
  readonly code: FailureCode;
  /** The input fields at fault, such as `load.embed_window.time_zone`. Empty if no field is. */
  readonly fields: readonly string[];

  constructor(code: FailureCode, message: string, options: ErrorOptions & { fields?: readonly string[] } = {}) {
    super(message, options);
    this.name = code;
    this.code = code;
    this.fields = options.fields ?? [];
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, …). Undefined for other errors. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
