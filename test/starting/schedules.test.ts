import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleRequest } from '../../client/schedule-request.ts';
import type { ScheduledRun } from '../../client/schedule-status.ts';
import type { ScheduledLoadResult } from '../../workflows/scheduled-load.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let source: string;
const made: string[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  source = join(bench.folder, 'pictures');
  await makePictures(source, 5);
});
afterEach(async () => {
  for (const name of made.splice(0)) await bench.schedules.delete(name).catch(() => undefined);
});
afterAll(() => bench?.stop());

const create = (dataset: string, request: Partial<ScheduleRequest> = { every_seconds: 3600 }, embed = false) => {
  made.push(dataset);
  return bench.schedules.create({ name: dataset, load: { dataset, source, embed }, ...request });
};

/** Waits for a last run with this result, and returns it. */
const lastRun = async (name: string, result: ScheduledRun['result']) => {
  await expect.poll(async () => (await bench.schedules.get(name)).last_run?.result).toBe(result);
  return (await bench.schedules.get(name)).last_run as ScheduledRun;
};

describe('a schedule', () => {
  it('says what it loads, when, and when next', async () => {
    const dataset = bench.newDataset();

    const schedule = await create(dataset, { cron: '0 3 * * mon-fri', time_zone: 'Europe/Zurich' });

    expect(schedule).toMatchObject({
      name: dataset,
      schedule_id: `plimsoll-${dataset}`,
      dataset,
      source,
      when: 'At 03:00, Monday through Friday (Europe/Zurich)',
      cron: '0 3 * * mon-fri',
      every_seconds: null,
      paused: false,
      last_run: null,
      request: { dataset, source, embed: false },
    });
    const next = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Zurich', timeStyle: 'short' });
    expect(next.format(new Date(schedule.next_run ?? ''))).toBe('03:00');
  });

  it.each([{ cron: '0 3 * * *' }, { every_seconds: 3600 }])('takes a time zone in any letters: %o', async (times) => {
    const schedule = await create(bench.newDataset(), { ...times, time_zone: 'europe/zurich' });

    expect(schedule.time_zone).toBe('Europe/Zurich');
    expect(schedule.next_run).not.toBeNull();
  });

  it('repeats by an interval, too', async () => {
    const schedule = await create(bench.newDataset(), { every_seconds: 6 * 3600 });

    expect(schedule).toMatchObject({ when: 'Every 6 hours', every_seconds: 21_600, cron: null });
    expect(Date.parse(schedule.next_run ?? '') - Date.now()).toBeLessThanOrEqual(6 * 3600 * 1000);
  });

  it('loads, and tells which job that was and how it ended', async () => {
    const { name, dataset } = await create(bench.newDataset());

    await bench.schedules.trigger(name);

    const { job_id } = await lastRun(name, 'completed');
    expect(await bench.status(job_id ?? '')).toMatchObject({
      dataset,
      workflow_id: `load-${dataset}`,
      state: 'completed',
      phases: { indexing: { done: 5 } },
    });
  });

  it('tells why the last load failed', async () => {
    const dataset = bench.newDataset();
    made.push(dataset);
    const load = { dataset, source: join(bench.folder, 'nowhere') };
    await bench.schedules.create({ name: dataset, load, every_seconds: 3600 });

    await bench.schedules.trigger(dataset);

    expect(await lastRun(dataset, 'failed')).toMatchObject({ error: { code: 'SourceNotFound' } });
  });

  it('skips a run while a load of the dataset runs, and leaves that alone', async () => {
    const { name, dataset } = await create(bench.newDataset());
    const running = await bench.startLoad({ dataset, source });
    await bench.wait(running.job_id, { for: 'browsable' });

    await bench.schedules.trigger(name);

    expect(await lastRun(name, 'skipped')).toMatchObject({ job_id: null });
    const { info } = await bench.temporal.schedule.getHandle(`plimsoll-${name}`).describe();
    const { workflowId, firstExecutionRunId } = info.recentActions.at(-1)?.action.workflow ?? { workflowId: '' };
    const result: ScheduledLoadResult = await bench.temporal.workflow
      .getHandle(workflowId, firstExecutionRunId)
      .result();
    expect(result).toMatchObject({ skipped: true, message: expect.stringContaining(dataset) });
    expect((await bench.status(running.job_id)).state).toBe('running');
  });

  it('is not run again while its own load runs', async () => {
    const { name } = await create(bench.newDataset(), { every_seconds: 3600 }, true);
    await bench.schedules.trigger(name);
    const { job_id } = await lastRun(name, 'running');

    const again = bench.schedules.trigger(name);

    await expect(again).rejects.toMatchObject({
      code: 'AlreadyRunning',
      message: expect.stringContaining(`${job_id}`),
    });
  });

  it('that is deleted leaves the load that it started running', async () => {
    const { name } = await create(bench.newDataset(), { every_seconds: 3600 }, true);
    await bench.schedules.trigger(name);
    const { job_id } = await lastRun(name, 'running');

    await bench.schedules.delete(name);

    await expect(bench.schedules.get(name)).rejects.toMatchObject({ code: 'ScheduleNotFound' });
    expect((await bench.wait(job_id ?? '', { for: 'browsable' })).state).toBe('running');
  });

  it('that is paused is due at no time, until it is resumed', async () => {
    const { name } = await create(bench.newDataset());

    const paused = await bench.schedules.pause(name, { reason: 'the disk is being replaced' });
    expect(paused).toMatchObject({ paused: true, note: 'the disk is being replaced', next_run: null });

    const resumed = await bench.schedules.resume(name);
    expect(resumed).toMatchObject({ paused: false, next_run: expect.any(String) });
  });

  it('is listed by name', async () => {
    const names = [await create(bench.newDataset()), await create(bench.newDataset())].map(({ name }) => name);

    await expect
      .poll(async () => (await bench.schedules.list()).map(({ name }) => name).filter((name) => names.includes(name)))
      .toEqual(names.sort());
  });
});

describe('what can not be scheduled is refused', () => {
  it.each([
    ['61 3 * * *', 'minutes part must be'],
    ['0 3 * *', 'it has 4 fields where five are expected'],
    ['every night', 'it has 2 fields'],
    ['0 0 31 2 *', 'such a day never comes'],
  ])('cron %s', async (cron, reason) => {
    const dataset = bench.newDataset();

    const created = create(dataset, { cron });

    await expect(created).rejects.toMatchObject({ code: 'InvalidSchedule', message: expect.stringContaining(reason) });
    await expect(created).rejects.toThrow('"0 3 * * *"');
    await expect(bench.schedules.get(dataset)).rejects.toMatchObject({ code: 'ScheduleNotFound' });
  });

  it.each([
    ['neither cron nor interval', {}, 'InvalidSchedule'],
    ['both', { cron: '0 3 * * *', every_seconds: 60 }, 'InvalidSchedule'],
    ['less than a minute', { every_seconds: 5 }, 'InvalidInput'],
    ['a zone that does not exist', { cron: '0 3 * * *', time_zone: 'Mars/Olympus' }, 'InvalidInput'],
    ['a name that is none', { name: 'My Photos', every_seconds: 60 }, 'InvalidInput'],
  ])('%s', async (_, request, code) => {
    await expect(create(bench.newDataset(), request)).rejects.toMatchObject({ code });
  });

  it.each([
    ['an offset, with a cron', { cron: '0 3 * * *', time_zone: '+02:00' }],
    ['an offset, with an interval', { every_seconds: 3600, time_zone: '-05' }],
    ['a zone that only ICU knows, with a cron', { cron: '0 3 * * *', time_zone: 'SystemV/AST4' }],
    ['a zone that only ICU knows, with an interval', { every_seconds: 3600, time_zone: 'SystemV/AST4' }],
  ])('as its time zone %s', async (_, request) => {
    await expect(create(bench.newDataset(), request)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining(`time_zone: "${request.time_zone}"`),
    });
  });

  it('a name that is taken', async () => {
    const { name } = await create(bench.newDataset());

    await expect(create(name)).rejects.toMatchObject({
      code: 'ScheduleExists',
      message: expect.stringContaining(name),
    });
  });

  it.each(['get', 'pause', 'resume', 'trigger', 'delete'] as const)('%s of one that does not exist', async (verb) => {
    await expect(bench.schedules[verb]('nightly')).rejects.toMatchObject({ code: 'ScheduleNotFound' });
  });
});
