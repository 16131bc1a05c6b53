import { type Db, ObjectId } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endJob } from '../../core/jobs/phases.ts';
import { readStatus } from '../../core/jobs/read-status.ts';
import { bindCollections, collectionsOf } from '../../core/store/collections.ts';
import { progressId } from '../../core/store/progress.ts';
import type { Store } from '../../core/store/store.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { insertRecord } from './records.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

/** A store in which something happens once, right after the first read. */
function storeWithEvent(event: () => Promise<void>): Store {
  let happened = false;
  const happen = async () => {
    if (happened) return;
    happened = true;
    await event();
  };
  const after = async <T>(reading: Promise<T>): Promise<T> => {
    const read = await reading;
    await happen();
    return read;
  };
  const { jobs, progress } = collectionsOf(bench.store);
  const watched: Record<string, unknown> = {
    jobs: { findOne: (filter: object) => after(jobs.findOne(filter)) },
    progress: {
      aggregate: (stages: object[]) => ({ toArray: () => after(progress.aggregate(stages).toArray()) }),
    },
  };
  const store = { ...bench.store };
  bindCollections(store, { collection: (name: string) => watched[name] } as unknown as Db);
  return store;
}

test('a job that ends between the reads of its status shows its last counts', async () => {
  const skipped = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: true } as const;
  const jobId = await insertRecord(bench.store, {
    dataset_id: bench.newDataset(),
    state: 'running',
    phases: {
      indexing: skipped,
      embedding: { state: 'running', done: 0, failed: 0, total: 20, total_known: true, started_at: new Date() },
    },
  });
  await collectionsOf(bench.store).progress.insertOne({
    _id: progressId({ jobId, phase: 'embedding', chunk: 0 }),
    job_id: jobId,
    opened: new ObjectId(),
    phase: 'embedding',
    done: 20,
    failed: 0,
    total: 20,
  });
  expect((await readStatus(bench.store, jobId))?.phases.embedding.done).toBe(20);

  const store = storeWithEvent(() => endJob(bench.store, jobId, 'completed'));

  expect((await readStatus(store, jobId))?.phases.embedding.done).toBe(20);
  expect((await readStatus(bench.store, jobId))?.state).toBe('completed');
});
