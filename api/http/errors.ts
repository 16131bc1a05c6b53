import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ZodError } from 'zod';
import { isMissingIndex } from '../backends/outages.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { PROBLEMS } from '../problem/codes.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import { problemOf, toProblem } from '../problem/to-problem.ts';
import { withoutCommands } from '../problem/without-commands.ts';
import type { Problem } from '../schemas/problem.ts';

/** Answers any error with problem details. Internal errors are logged in full and reported without details. */
export function onError({ log, backends }: Pick<ApiContext, 'log' | 'backends'>): ErrorHandler<ApiEnv> {
  return function answerWithProblem(error, c) {
    if (isMissingIndex(error)) {
      backends.renewIndexes();
      return problemResponse(c, problemOf('MongoDBUnavailable', "The database's indexes are being made. Try again."));
    }
    const found = toProblem(error) ?? ofFramework(error);
    if (found === undefined) log(`${c.req.method} ${c.req.path} (request ${c.get('requestId')})`, error);
    return problemResponse(
      c,
      found ?? problemOf('InternalError', 'The request could not be answered. The log says why.'),
    );
  };
}

export const onNotFound: NotFoundHandler<ApiEnv> = (c) =>
  problemResponse(c, problemOf('NotFound', 'There is no such address here. /api/docs lists those that there are.'));

const problemResponse = (c: Context<ApiEnv>, error: ProblemError): Response =>
  c.body(problemText(error, c.get('requestId')), error.status, { ...error.headers, 'Content-Type': PROBLEM_TYPE });

export const PROBLEM_TYPE = 'application/problem+json';

/** The JSON body of a problem. */
export function problemText({ status, code, message, more }: ProblemError, requestId: string): string {
  const answer: Problem = {
    type: `/api/docs#${code}`,
    title: PROBLEMS[code].title,
    status,
    code,
    detail: withoutCommands(message),
    request_id: requestId,
    ...more,
  };
  return JSON.stringify(answer);
}

/** Maps Hono's own exceptions for invalid bodies to problems. */
function ofFramework(error: unknown): ProblemError | undefined {
  if (!(error instanceof HTTPException)) return undefined;
  if (error.status === 413) return problemOf('BodyTooLarge', 'The body is larger than 1 MiB.');
  if (error.status === 415) return problemOf('UnsupportedMediaType', 'Send the body as application/json.');
  return error.status === 400 ? problemOf('InvalidJson', 'The body is not JSON.') : undefined;
}

const PLACES = {
  param: 'path',
  query: 'query',
  header: 'header',
  cookie: 'header',
  json: 'body',
  form: 'body',
} as const;

/** Turns validation errors into a problem that names each field. */
export function invalidRequest(target: keyof typeof PLACES, error: ZodError): ProblemError {
  const errors = error.issues.slice(0, 20).map((issue) => ({
    in: PLACES[target],
    field: issue.path.join('.').slice(0, 200),
    message: issue.message.slice(0, 500),
  }));
  const detail = errors.map(({ field, message }) => sentenceOfFault(field, message)).join('; ');
  return problemOf(PLACES[target] === 'body' ? 'InvalidInput' : 'InvalidParameter', detail, { errors });
}

/** Errors of the whole input are sentences already, except those about unknown fields, which begin with "has". */
function sentenceOfFault(field: string, message: string): string {
  if (field !== '') return `${field} ${message}`;
  return message.startsWith('has ') ? `the input ${message}` : message;
}
