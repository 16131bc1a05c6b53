import { afterAll, beforeAll, expect, it } from 'vitest';
import { endJob } from '../../core/jobs/phases.ts';
import { readStatus } from '../../core/jobs/read-status.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { PhaseDocument } from '../../core/store/documents.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { insertRecord } from './records.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

it('a job that is canceled while it is paused has waited until then', async () => {
  const phase: PhaseDocument = { state: 'running', done: 0, failed: 0, total: 0, total_known: true };
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
  const id = await insertRecord(bench.store, {
    dataset_id: bench.newDataset(),
    state: 'paused',
    paused_at: ago(100),
    phases: {
      indexing: { ...phase, state: 'skipped' },
      embedding: { ...phase, done: 50, total: 90, started_at: ago(110) },
    },
  });
  const paused = (await collectionsOf(bench.store).jobs.findOne({ _id: id }))?.paused_at?.getTime() ?? Number.NaN;
  const earliest = (Date.now() - paused) / 1000;
  await endJob(bench.store, id, 'canceled');
  const latest = (Date.now() - paused) / 1000;
  const embedding = (await readStatus(bench.store, id))?.phases.embedding;
  expect(embedding?.waited_seconds).toBeGreaterThanOrEqual(earliest);
  expect(embedding?.waited_seconds).toBeLessThanOrEqual(latest);
  // The ten seconds before it was paused were the work.
  expect(embedding?.rate).toBeCloseTo(5);
});
