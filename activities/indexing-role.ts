import { createEmbeddingActivities, type EmbeddingDependencies } from './embedding.ts';
import { createIndexingActivities, type IndexingDependencies } from './indexing.ts';
import { createJobActivities } from './jobs.ts';
import { createRelocationActivities, type RelocationDependencies } from './relocation.ts';
import { createRemovalActivities, type RemovalDependencies } from './removal.ts';
import { createWebhookActivities, type WebhookDependencies } from './webhooks.ts';

/** Everything that the activities of the indexing role depend on. */
export type IndexingRoleDependencies = IndexingDependencies &
  EmbeddingDependencies &
  RelocationDependencies &
  RemovalDependencies &
  WebhookDependencies;

export type IndexingRoleActivities = ReturnType<typeof createIndexingRoleActivities>;

/** Creates all activities of the indexing role: everything that needs no accelerator. */
export function createIndexingRoleActivities(dependencies: IndexingRoleDependencies) {
  return Object.assign(
    {},
    createJobActivities(dependencies),
    createIndexingActivities(dependencies),
    createEmbeddingActivities(dependencies),
    createRelocationActivities(dependencies),
    createRemovalActivities(dependencies),
    createWebhookActivities(dependencies),
  );
}
