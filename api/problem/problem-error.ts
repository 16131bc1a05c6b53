import type { ProblemCode, ProblemStatus } from '../../contract/failures.ts';
import type { Problem } from '../schemas/problem.ts';

/** An answer that is a problem. `detail` is for people and names no path of this machine. */
export class ProblemError extends Error {
  readonly status: ProblemStatus;
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly more: Pick<Problem, 'errors' | 'job'>;

  constructor(
    status: ProblemStatus,
    code: ProblemCode,
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
