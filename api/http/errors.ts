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

/** Any error as problem details. What is our fault is logged whole, and told without a word of what is inside. */
export function onError({ log, backends }: Pick<ApiContext, 'log' | 'backends'>): ErrorHandler<ApiEnv> {
  return function answerWithProblem(error, c) {
    if (isMissingIndex(error)) {
      backends.renewIndexes();
      return problemResponse(c, problemOf('MongoDBUnavailable', "The database's indexes are being made. Try again."));
    }
    const found = toProblem(error) ?? ofFramework(error);
    if (found === undefined) log(`${c.req.method} ${c.req.path}`, error);
    return problemResponse(
      c,
      found ?? problemOf('InternalError', 'The request could not be answered. The log says why.'),
    );
  };
}

export const onNotFound: NotFoundHandler<ApiEnv> = (c) =>
  problemResponse(c, problemOf('NotFound', 'There is no such address here. /api/docs lists those that there are.'));

const problemResponse = (c: Context<ApiEnv>, error: ProblemError): Response =>
  c.body(problemText(error), error.status, { ...error.headers, 'Content-Type': PROBLEM_TYPE });

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of an answer that is a problem. */
export function problemText({ status, code, message, more }: ProblemError): string {
  const answer: Problem = {
    type: `/api/docs#${code}`,
    title: PROBLEMS[code].title,
    status,
    code,
    detail: withoutCommands(message),
    ...more,
  };
  return JSON.stringify(answer);
}

/** What Hono throws itself: a body that is no JSON, or does not say that it is. */
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

/** What validation found, as a problem that names each field. */
export function invalidRequest(target: keyof typeof PLACES, error: ZodError): ProblemError {
  const errors = error.issues.slice(0, 20).map((issue) => ({
    in: PLACES[target],
    field: issue.path.join('.').slice(0, 200),
    message: issue.message.slice(0, 500),
  }));
  const detail = errors.map(({ field, message }) => sentenceOfFault(field, message)).join('; ');
  return problemOf(PLACES[target] === 'body' ? 'InvalidInput' : 'InvalidParameter', detail, { errors });
}

/** What is wrong with the input as a whole is a sentence by itself, but for the fields that it should not have. */
function sentenceOfFault(field: string, message: string): string {
  if (field !== '') return `${field} ${message}`;
  return message.startsWith('has ') ? `the input ${message}` : message;
}
