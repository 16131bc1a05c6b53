import type { Priority } from '@temporalio/common';

/** The fields of an input that say ahead of whom its work goes. */
export interface QueueOptions {
  dataset: string;
  priority?: number | undefined;
  fairness_key?: string | undefined;
  fairness_weight?: number | undefined;
}

/** Longer keys are refused by Temporal, and a dataset's name may have one character less. */
export function priorityOf({ dataset, priority, fairness_key, fairness_weight }: QueueOptions): Priority {
  return {
    fairnessKey: fairness_key ?? dataset,
    ...(priority === undefined ? {} : { priorityKey: priority }),
    ...(fairness_weight === undefined ? {} : { fairnessWeight: fairness_weight }),
  };
}
