import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';

/**
 * No attempt is ever the last one: a deploy or a server that is down costs attempts, not the load. What can't be mended is a
 * non-retryable failure, and `scheduleToCloseTimeout` bounds the rest.
 */
const retry: ActivityOptions['retry'] = { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' };

/** Waits for an activity to see its cancellation, so that nothing writes behind a load that has ended. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** A few database operations. Without a task queue of its own, an activity runs on its workflow's. */
export const shortWork: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  cancellationType,
  retry,
};

/** As long as the source or the dataset makes it; each step of it heartbeats. */
export const longWork: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  cancellationType,
  retry,
};

/** Waits for a worker with the device for as long as a month: it may be off until the night, or until it is bought. */
export const inferenceWork: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '60 seconds',
  scheduleToCloseTimeout: '30 days',
  cancellationType,
  retry,
};

/** Hashing and loading a model has no steps to heartbeat after; this bounds a device that hangs in it. */
export const openModelWork: ActivityOptions = {
  ...inferenceWork,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '30 seconds',
};
