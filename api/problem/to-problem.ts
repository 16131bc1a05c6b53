import { ApplicationFailure } from '@temporalio/common';
import { AlreadyRunningError } from '../../client/if-running.ts';
import { UserError } from '../../core/errors.ts';
import { InferenceUnavailableError } from '../../core/models/errors.ts';
import { isMongoOutage, isTemporalOutage } from '../backends/outages.ts';
import { PROBLEMS, type ProblemCode } from './codes.ts';
import { ProblemError } from './problem-error.ts';

const RETRY_SECONDS = '2';

/** Creates a problem with the HTTP status of its code. */
export function problemOf(
  code: ProblemCode,
  detail: string,
  more: ConstructorParameters<typeof ProblemError>[3] = {},
): ProblemError {
  const { status } = PROBLEMS[code];
  const headers = status === 503 ? { 'Retry-After': RETRY_SECONDS, ...more.headers } : (more.headers ?? {});
  return new ProblemError(status, code, detail, { ...more, headers });
}

/** Maps an error to a problem; undefined for an internal error. */
export function toProblem(error: unknown): ProblemError | undefined {
  if (error instanceof ProblemError) return error;
  // A UserError whose code has no HTTP status is not the caller's mistake.
  if (error instanceof UserError && !isKnown(error.code)) return undefined;
  if (error instanceof AlreadyRunningError)
    return problemOf('AlreadyRunning', error.message, error.job.job_id === '' ? {} : { job: error.job });
  if (error instanceof UserError) return ofUser(error);
  if (error instanceof InferenceUnavailableError)
    return problemOf('InferenceUnavailable', "The model's process ended again and again. Try again in a moment.");
  const failure = applicationFailureIn(error);
  if (failure !== undefined) return problemOf(knownOr('Refused', failure.type), failure.message);
  if (isMongoOutage(error)) return problemOf('MongoDBUnavailable', 'MongoDB does not answer. Try again in a moment.');
  if (isTemporalOutage(error))
    return problemOf('TemporalUnavailable', 'Temporal does not answer, or no worker does. Try again in a moment.');
  return undefined;
}

/** Names the fields of a UserError in the form that validation uses. */
function ofUser({ code, message, fields }: UserError): ProblemError {
  const errors = fields.map((field) => ({
    in: 'body' as const,
    field,
    message: message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message,
  }));
  return problemOf(knownOr('InvalidInput', code), message, errors.length === 0 ? {} : { errors });
}

const knownOr = (otherwise: ProblemCode, code: string | null | undefined): ProblemCode =>
  code != null && isKnown(code) ? code : otherwise;

const isKnown = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

/** Finds the reason of a refused update, which lies below the client's own error. */
function applicationFailureIn(error: unknown): ApplicationFailure | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof ApplicationFailure) return cause;
  }
  return undefined;
}
