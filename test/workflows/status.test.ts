import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus, PhaseStatus } from '../../contract/job.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let source: string;
let names: string;

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { embedder: createStandIn({ perSecond: 500 }) } });
  source = join(bench.folder, 'pictures');
  await makePictures(source, 1100);
  names = join(bench.folder, 'names');
  await makeManyFiles(names, 15_000);
});
afterAll(() => bench.stop());

const finished = ({ done, failed }: PhaseStatus) => done + failed;

describe('the status of a job', () => {
  // Each source is large enough that its phase takes many times what lies between two pushes.
  it.each([
    ['indexing', 15_000],
    ['embedding', 1100],
  ] as const)('only rises, never exceeds its total, and is pushed while %s runs', async (phase, files) => {
    const embed = phase === 'embedding';
    const seen: JobStatus[] = [];
    const { job_id } = await bench.startLoad({ dataset: bench.newDataset(), source: embed ? source : names, embed });
    const last = await bench.wait(job_id, { onStatus: (status) => seen.push(status) });

    expect(last).toMatchObject({ state: 'completed', phases: { [phase]: { done: files, total: files } } });
    for (const name of ['indexing', 'embedding'] as const) {
      const counts = seen.map((status) => status.phases[name]);
      expect(counts.every((count) => finished(count) <= count.total)).toBe(true);
      expect(counts.map(finished)).toEqual(counts.map(finished).toSorted((x, y) => x - y));
    }
    const between = seen
      .map(({ phases }) => phases[phase])
      .filter((count) => finished(count) > 0 && finished(count) < files);
    expect(between).not.toHaveLength(0);
    const measured = between.find((count) => count.total_known);
    if (embed) expect(measured).toMatchObject({ rate: expect.any(Number), seconds_left: expect.any(Number) });
  });

  it('comes in the same shape from the workflow’s query as from the store', async () => {
    const { job_id, workflow_id } = await bench.startLoad({ dataset: bench.newDataset(), source });
    const stored = await bench.wait(job_id);
    const answered = await bench.temporal.workflow.getHandle(workflow_id).query<JobStatus>('status');

    expect(shapeOf(answered)).toEqual(shapeOf({ ...stored, phases: { ...stored.phases } }));
    expect(answered.phases.indexing).toMatchObject({
      done: 1100,
      total: 1100,
      outcomes: stored.phases.indexing.outcomes,
    });
    expect(answered.phases.embedding).toMatchObject({
      done: 1100,
      total: 1100,
      model_key: stored.phases.embedding.model_key,
    });
  });

  it('says from the workflow, too, how and why a job failed', async () => {
    const dataset = bench.newDataset();
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source: join(bench.folder, 'nowhere') });
    const stored = await bench.wait(job_id);
    const answered = await bench.temporal.workflow.getHandle(workflow_id).query<JobStatus>('status');

    expect(stored).toMatchObject({ state: 'failed', error: { code: 'SourceNotFound' } });
    expect(answered).toMatchObject({ state: 'failed', error: stored.error });
    expect(statesOf(answered)).toEqual(statesOf(stored));
    expect(statesOf(stored)).toEqual(['failed', 'skipped']);
  });

  it('makes jobs filterable on Temporal by dataset and phase, and is shown there in words', async () => {
    const dataset = bench.newDataset();
    const { workflow_id } = await bench.load({ dataset, source });
    const handle = bench.temporal.workflow.getHandle(workflow_id);

    const { typedSearchAttributes } = await handle.describe();
    const attributes = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    expect(attributes).toMatchObject({ PlimsollDataset: dataset, PlimsollPhase: 'completed' });
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('indexing: completed, 1,100 of 1,100');
    expect(currentDetails).toContain('embedding: completed, 1,100 of 1,100');
  });
});

const statesOf = ({ phases }: JobStatus) => [phases.indexing.state, phases.embedding.state];

/** Names of fields, without the values. `failures` and folders are in the record only: they can be many. */
function shapeOf(status: JobStatus) {
  const phases = Object.values(status.phases).map((phase) =>
    Object.keys(phase)
      .filter((name) => !['failures', 'unreadable_folders', 'outside_links'].includes(name))
      .sort(),
  );
  return [Object.keys(status).sort(), ...phases];
}
