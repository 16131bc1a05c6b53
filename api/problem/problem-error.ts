import type { ProblemCode, ProblemStatus } from '../../contract/failures.ts';
import type { Problem } from '../schemas/problem.ts';

/** An error that is answered as a problem. Its message becomes `detail`: it is for people and holds no local path. */
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
