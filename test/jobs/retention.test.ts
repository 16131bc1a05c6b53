import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepJobsFor, retentionOf } from '../../core/jobs/retention.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const DAY_MS = 86_400_000;

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

async function expiresAfterDays(): Promise<number | undefined> {
  const indexes = await collectionsOf(bench.store).jobs.indexes();
  const seconds = indexes.find(({ expireAfterSeconds }) => expireAfterSeconds !== undefined)?.expireAfterSeconds;
  return seconds === undefined ? undefined : (seconds * 1000) / DAY_MS;
}

describe('the retention of job records', () => {
  it('is set, set again, changed and dropped, by several workers at once and beside the other indexes', async () => {
    const several = (ms: number | undefined) =>
      Promise.all([...Array.from({ length: 4 }, () => keepJobsFor(bench.store, ms)), prepareDatabase(bench.store)]);
    await several(90 * DAY_MS);
    expect(await expiresAfterDays()).toBe(90);
    await several(90 * DAY_MS);
    expect(await expiresAfterDays()).toBe(90);
    await several(30 * DAY_MS);
    expect(await expiresAfterDays()).toBe(30);
    await several(undefined);
    expect(await expiresAfterDays()).toBeUndefined();
    await several(undefined);
  });

  it('comes with the indexing worker', async () => {
    const retained = await openWorkbench({ roles: ['indexing'], plugin: { jobRetention: '90d' } });
    const indexes = await collectionsOf(retained.store).jobs.indexes();
    await retained.stop();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { finished_at: 1 }, expireAfterSeconds: 7_776_000 }));
  });

  it.each(['0d', '-1d', '90', 'soon', '30 dogs', '1e9y', '10ms'])('refuses %j', (text) => {
    expect(() => retentionOf(text)).toThrow(expect.objectContaining({ code: 'InvalidSetting' }));
  });

  it.each([undefined, '', ' '])('keeps records for good where it is %j', (text) => {
    expect(retentionOf(text)).toBeUndefined();
  });
});
