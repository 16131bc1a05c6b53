import { FAILURES, type Failure, type ProblemCode, type ProblemStatus } from '../../contract/failures.ts';

export type { ProblemCode } from '../../contract/failures.ts';

export interface ProblemKind {
  status: ProblemStatus;
  title: string;
  meaning: string;
}

/** The codes that the API may answer with: all failures with an HTTP status. */
export const PROBLEMS = Object.fromEntries(
  Object.entries(FAILURES as Record<string, Failure>).flatMap(([code, { http, meaning }]) =>
    http === undefined ? [] : [[code, { status: http[0], title: http[1], meaning }]],
  ),
) as Record<ProblemCode, ProblemKind>;
