import { type AnnotationDependencies, createAnnotationActivities } from './annotations.ts';
import { type ArtifactDependencies, createArtifactActivities } from './artifact.ts';
import { createDuplicatesActivities, type DuplicatesDependencies } from './duplicates.ts';
import { createEmbeddingActivities, type EmbeddingDependencies } from './embedding.ts';
import { createExportActivities, type ExportDependencies } from './exports.ts';
import { createImportActivities, type ImportDependencies } from './importing.ts';
import { createIndexingActivities, type IndexingDependencies } from './indexing.ts';
import { createJobActivities } from './jobs.ts';
import { createRelocationActivities, type RelocationDependencies } from './relocation.ts';
import { createRemovalActivities, type RemovalDependencies } from './removal.ts';
import { withRetryReports } from './retry-reports.ts';
import { createWebhookActivities, type WebhookDependencies } from './webhooks.ts';

/** Everything that the activities of the indexing role depend on. */
export type IndexingRoleDependencies = IndexingDependencies &
  AnnotationDependencies &
  ArtifactDependencies &
  EmbeddingDependencies &
  DuplicatesDependencies &
  ExportDependencies &
  ImportDependencies &
  RelocationDependencies &
  RemovalDependencies &
  WebhookDependencies;

export type IndexingRoleActivities = ReturnType<typeof createIndexingRoleActivities>;

/**
 * Creates all activities of the indexing role: everything that needs no accelerator. The delivery of a webhook is no
 * part of a job, so its retries are not reported to one.
 */
export function createIndexingRoleActivities(dependencies: IndexingRoleDependencies) {
  const activitiesOfJobs = Object.assign(
    {},
    createJobActivities(dependencies),
    createIndexingActivities(dependencies),
    createEmbeddingActivities(dependencies),
    createRelocationActivities(dependencies),
    createAnnotationActivities(dependencies),
    createRemovalActivities(dependencies),
    createDuplicatesActivities(dependencies),
    createArtifactActivities(dependencies),
    createExportActivities(dependencies),
    createImportActivities(dependencies),
  );
  return Object.assign(
    {},
    withRetryReports(dependencies.store, activitiesOfJobs),
    createWebhookActivities(dependencies),
  );
}
