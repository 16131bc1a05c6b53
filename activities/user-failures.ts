import { CancelledFailure } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { UserError } from '../core/errors.ts';

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * Wraps activities so that a UserError ends the workflow at once, with the error's stable code as the failure's type.
 * Temporal retries all other errors.
 */
export function withUserFailures<T extends Record<string, Activity>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [name, failingClearly(activity)]);
  return Object.fromEntries(wrapped) as T;
}

function failingClearly(activity: Activity): Activity {
  return async function runActivity(...args) {
    try {
      return await activity(...args);
    } catch (error) {
      throw toFailure(error);
    }
  };
}

function toFailure(error: unknown): unknown {
  if (error instanceof CancelledFailure || !(error instanceof UserError)) return error;
  return ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true, cause: error });
}
