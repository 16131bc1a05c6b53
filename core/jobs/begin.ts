import { indexes, type JobKind } from '../../contract/job.ts';
import type { JobDocument, PhaseDocument } from '../store/documents.ts';
import { insertQueued, markRunning } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';

const PENDING: PhaseDocument = { state: 'pending', done: 0, failed: 0, total: 0, total_known: false };
const SKIPPED: PhaseDocument = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: true };

/** The facts of a job that its first record holds. */
export interface JobRecord {
  jobId: string;
  workflowId: string;
  kind: JobKind;
  datasetId: string;
  request: Record<string, unknown>;
  /** Whether the job will embed. */
  embeds: boolean;
}

/** Records a job that Temporal has accepted but no worker has begun. */
export async function recordQueued(store: Store, record: JobRecord): Promise<void> {
  const { jobId, workflowId, kind, datasetId, request, embeds } = record;
  await insertQueued(store, jobId, {
    kind,
    dataset_id: datasetId,
    workflow_id: workflowId,
    request,
    phases: firstPhases(kind, embeds),
  });
}

/** The phases of a job that no worker has begun. */
export const firstPhases = (kind: JobKind, embeds: boolean): JobDocument['phases'] => ({
  indexing: indexes(kind) ? PENDING : SKIPPED,
  embedding: embeds ? PENDING : SKIPPED,
});

/** Records that a job is running, whether or not its client recorded it. A repeated call changes nothing. */
export async function recordJob(store: Store, record: JobRecord): Promise<void> {
  await recordQueued(store, record);
  await markRunning(store, record.jobId, indexes(record.kind) ? 'indexing' : undefined);
}
