import type { Problem } from '../schemas/problem.ts';

/** An answer that is a problem. `detail` is for people and names no path of this machine. */
export class ProblemError extends Error {
  readonly status: ProblemStatus;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly more: Pick<Problem, 'errors' | 'job'>;

  constructor(
    status: ProblemStatus,
    code: string,
    detail: string,
    { headers = {}, ...more }: { headers?: Record<string, string> } & Pick<Problem, 'errors' | 'job'> = {},
  ) {
    super(detail);
    this.name = code;
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.more = more;
  }
}

export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 408
  | 409
  | 410
  | 413
  | 415
  | 416
  | 417
  | 422
  | 429
  | 431
  | 500
  | 501
  | 503;
