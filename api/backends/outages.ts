import { isGrpcServiceError, ServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';

const MAX_TIME_EXPIRED = 50;
/** DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const OUTAGE_STATUSES = new Set([4, 8, 14]);

const BAD_VALUE = 2;

/** Whether a query named a missing index, because the database was dropped or restored without it. */
export function isMissingIndex(error: unknown): boolean {
  if (!(error instanceof Error) || !error.name.startsWith('Mongo')) return false;
  return (error as { code?: unknown }).code === BAD_VALUE && /hint provided does not correspond/.test(error.message);
}

/** Whether MongoDB did not answer, or not in time, so that a retry may succeed. */
export function isMongoOutage(error: unknown): boolean {
  if (!(error instanceof Error) || !error.name.startsWith('Mongo')) return false;
  if (
    /^Mongo(Network|ServerSelection|NotConnected|PoolCleared|PoolClosed|TopologyClosed|WaitQueueTimeout|OperationTimeout)/.test(
      error.name,
    )
  )
    return true;
  const { code, errorLabels } = error as { code?: unknown; errorLabels?: unknown };
  return code === MAX_TIME_EXPIRED || (Array.isArray(errorLabels) && errorLabels.includes('RetryableWriteError'));
}

/** Whether Temporal did not answer, or no worker accepted an update in time. */
export function isTemporalOutage(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (isGrpcServiceError(cause) && OUTAGE_STATUSES.has(cause.code)) return true;
  }
  return error instanceof ServiceError && error.cause === undefined;
}
