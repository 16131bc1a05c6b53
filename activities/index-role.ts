import { createDatasetActivities, type DatasetDependencies } from './dataset-activities.ts';
import { createIndexActivities, type IndexDependencies } from './index-activities.ts';
import { createRetryActivities, type RetryDependencies } from './retry-activities.ts';
import { createWebhookActivities, type WebhookDependencies } from './webhook-activities.ts';

/** Everything that the activities of the indexing role depend on. */
export type IndexRoleDependencies = IndexDependencies & DatasetDependencies & RetryDependencies & WebhookDependencies;

export type IndexRoleActivities = ReturnType<typeof createIndexRoleActivities>;

/** All activities of the indexing role: of whoever polls the task queue that workflows run on. */
export function createIndexRoleActivities(dependencies: IndexRoleDependencies) {
  return Object.assign(
    {},
    createIndexActivities(dependencies),
    createDatasetActivities(dependencies),
    createRetryActivities(dependencies),
    createWebhookActivities(dependencies),
  );
}
