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

/** Two heartbeats (activities/heartbeats.ts) and some time: a worker that died is noticed after as long. */
const heartbeatTimeout = '12 seconds';

/** Options for work that grows with the source or the dataset. */
export const longWork: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout,
  scheduleToCloseTimeout: '7 days',
  cancellationType,
  retry,
};

/** Waits up to a month for a worker with the device, which may be off until the night or not bought yet. */
export const inferenceWork: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout,
  scheduleToCloseTimeout: '30 days',
  cancellationType,
  retry,
};

/** Hashing and loading a model has no steps, so the start-to-close timeout bounds a hung device. */
export const openModelWork: ActivityOptions = { ...inferenceWork, startToCloseTimeout: '15 minutes' };
