import { randomUUID } from 'node:crypto';
import { UNFINISHED_STATES } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { JobDocument } from '../../core/store/documents.ts';
import type { Store } from '../../core/store/store.ts';

const UNFINISHED: ReadonlySet<string> = new Set(UNFINISHED_STATES);
const PHASE = { done: 0, failed: 0, total: 0, total_known: true };

/** Stores the record of a job that has ended, unless told otherwise, and returns its ID. */
export async function insertRecord(store: Store, fields: Partial<JobDocument> & { dataset_id: string }) {
  const _id = fields._id ?? randomUUID();
  const started_at = fields.started_at ?? new Date();
  const ended = !UNFINISHED.has(fields.state ?? 'completed');
  await collectionsOf(store).jobs.insertOne({
    kind: 'load',
    workflow_id: `load-${fields.dataset_id}`,
    request: {},
    state: 'completed',
    phases: { indexing: { ...PHASE, state: 'completed' }, embedding: { ...PHASE, state: 'skipped' } },
    ...(ended ? { finished_at: started_at } : {}),
    ...fields,
    _id,
    started_at,
  });
  return _id;
}
