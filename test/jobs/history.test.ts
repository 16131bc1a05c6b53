import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobFilter } from '../../client/list-jobs.ts';
import { listJobs } from '../../client/list-jobs.ts';
import type { JobState } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { insertRecord } from './records.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

const ids = (jobs: { job_id: string }[]) => jobs.map(({ job_id }) => job_id);

async function allPages(filter: JobFilter): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page = await bench.jobs({ ...filter, ...(cursor === null ? {} : { cursor }) });
    pages.push(ids(page.jobs));
    cursor = page.next;
  } while (cursor !== null);
  return pages;
}

describe('pages of jobs', () => {
  it('hold every job once, also those of one millisecond, and end with the last', async () => {
    const dataset = bench.newDataset();
    const at = new Date('2026-01-31T12:00:00.000Z');
    const later = await insertRecord(bench.store, { dataset_id: dataset, started_at: new Date(at.getTime() + 1) });
    const ties = await Promise.all(
      Array.from({ length: 6 }, () => insertRecord(bench.store, { dataset_id: dataset, started_at: at })),
    );
    const earlier = await insertRecord(bench.store, { dataset_id: dataset, started_at: new Date(at.getTime() - 1) });
    const pages = await allPages({ dataset, limit: 2 });
    expect(pages.flat()).toEqual([later, ...ties.sort().reverse(), earlier]);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 2]);
  });

  it('are not shifted by a job that starts meanwhile', async () => {
    const dataset = bench.newDataset();
    const day = (n: number) => new Date(Date.UTC(2026, 0, n));
    const [first, second] = await Promise.all(
      [1, 2].map((n) => insertRecord(bench.store, { dataset_id: dataset, started_at: day(n) })),
    );
    const page = await bench.jobs({ dataset, limit: 1 });
    await insertRecord(bench.store, { dataset_id: dataset, started_at: day(3) });
    expect(ids(page.jobs)).toEqual([second]);
    expect(ids((await bench.jobs({ dataset, limit: 1, cursor: page.next as string })).jobs)).toEqual([first]);
  });

  it('refuse a cursor that is none', async () => {
    await expect(bench.jobs({ cursor: 'tomorrow' })).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

describe('filters of jobs', () => {
  it('take several states and kinds, and a stretch of time', async () => {
    const dataset = bench.newDataset();
    const day = (n: number) => new Date(Date.UTC(2026, 1, n));
    const insert = (n: number, kind: 'load' | 'embed' | 'prune', state: JobState) =>
      insertRecord(bench.store, { dataset_id: dataset, started_at: day(n), kind, state });
    const a = await insert(1, 'load', 'completed');
    const b = await insert(2, 'embed', 'failed');
    const c = await insert(3, 'prune', 'canceled');
    const list = async (filter: JobFilter) => ids((await bench.jobs({ dataset, ...filter })).jobs);
    expect(await list({ state: ['failed', 'canceled'] })).toEqual([c, b]);
    expect(await list({ kind: ['load', 'prune'] })).toEqual([c, a]);
    expect(await list({ kind: 'embed', state: 'failed' })).toEqual([b]);
    expect(await list({ since: day(2) })).toEqual([c, b]);
    expect(await list({ before: day(2) })).toEqual([a]);
    expect(await list({ since: day(2), before: day(3) })).toEqual([b]);
  });

  it('go by what has become of a job, not by what its record still says', async () => {
    const dataset = bench.newDataset();
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source: bench.folder });
    expect(ids((await bench.jobs({ dataset, state: 'queued' })).jobs)).toEqual([job_id]);
    await bench.temporal.workflow.getHandle(workflow_id).terminate();
    expect((await bench.jobs({ dataset, state: ['queued', 'running'] })).jobs).toEqual([]);
    expect(ids((await bench.jobs({ dataset, state: 'failed' })).jobs)).toEqual([job_id]);
  });
});

describe('a page of 50 jobs', () => {
  it('asks Temporal only about those that have not ended', async () => {
    const dataset = bench.newDataset();
    for (let n = 0; n < 49; n++) await insertRecord(bench.store, { dataset_id: dataset });
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source: bench.folder });
    const asked: string[] = [];
    const { store, temporal } = bench;
    const workflow = new Proxy(temporal.workflow, {
      get(target, name, receiver) {
        if (name !== 'getHandle') return Reflect.get(target, name, receiver);
        return (...args: Parameters<typeof target.getHandle>) => {
          asked.push(args[0]);
          return target.getHandle(...args);
        };
      },
    });
    const counting = new Proxy(temporal, {
      get: (target, name) => (name === 'workflow' ? workflow : Reflect.get(target, name, target)),
    });
    const { jobs } = await listJobs({ store, temporal: counting }, { dataset, limit: 50 });
    expect(jobs).toHaveLength(50);
    expect(jobs[0]?.job_id).toBe(job_id);
    expect(new Set(asked)).toEqual(new Set([workflow_id]));
  });

  it('reads about as many records, whatever the filter', async () => {
    const dataset = bench.newDataset();
    const records = Array.from({ length: 400 }, (_, n) =>
      insertRecord(bench.store, { dataset_id: dataset, started_at: new Date(Date.UTC(2025, 0, 1, 0, n)) }),
    );
    await Promise.all(records);
    const { db } = collectionsOf(bench.store).jobs;
    await db.command({ profile: 2 });
    await bench.jobs({ dataset, limit: 50 });
    await bench.jobs({ limit: 50, before: new Date(Date.UTC(2025, 0, 2)) });
    await bench.jobs({ limit: 50, state: 'completed', before: new Date(Date.UTC(2025, 0, 2)) });
    await bench.jobs({ limit: 50, kind: ['load', 'prune'], before: new Date(Date.UTC(2025, 0, 2)) });
    await db.command({ profile: 0 });
    const queries = await db
      .collection('system.profile')
      .find({ ns: /\.jobs$/, op: 'query' })
      .toArray();
    expect(queries).toHaveLength(4);
    for (const { docsExamined, hasSortStage } of queries) {
      expect(docsExamined).toBeLessThanOrEqual(60);
      expect(hasSortStage).toBeUndefined();
    }
  });
});
