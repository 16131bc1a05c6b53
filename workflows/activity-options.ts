import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';

/**
 * Attempts are unlimited, so that a deploy or a server that is down costs attempts and never the job. Permanent errors
 * are non-retryable failures; `scheduleToCloseTimeout` bounds the rest.
 */
const retry: ActivityOptions['retry'] = { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' };

/** Waits until an activity has handled its cancellation, so that nothing writes after its job has ended. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Options for a few database operations. An activity runs on its workflow's task queue unless it names another. */
export const shortWork: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  cancellationType,
  retry,
};

/** Options for work that grows with the source or the dataset. Each of its steps heartbeats. */
export const longWork: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  cancellationType,
  retry,
};

/** Waits up to a month for a worker with the device, which may be off until the night or not bought yet. */
export const inferenceWork: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '60 seconds',
  scheduleToCloseTimeout: '30 days',
  cancellationType,
  retry,
};

/** Hashing and loading a model has no steps to heartbeat after, so the start-to-close timeout bounds a hung device. */
export const openModelWork: ActivityOptions = {
  ...inferenceWork,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '30 seconds',
};
