import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandBench, createCommandBench, startCommand } from '../cli/command-bench.ts';
import { makePictures } from '../support/pictures.ts';

// No embedding worker: loads stay in their second phase until they are replaced.
let bench: CommandBench;

beforeAll(async () => {
  bench = await createCommandBench();
  await Promise.all([makePictures(join(bench.folder, 'photos'), 3), bench.startWorker('indexing')]);
});
afterAll(() => bench?.stop());

const json = async (...args: string[]) => {
  const { code, stdout } = await bench.run(...args, '--json');
  return { code, ...JSON.parse(stdout) };
};

describe('load', () => {
  it('asks the workflow for what its options say', async () => {
    const { code, job_id } = await json(
      ...['load', './photos', '--dataset', 'optioned', '--priority', '2', '--fairness-key', 'team-a'],
      ...['--fairness-weight', '2.5', '--embed-window', 'mon-fri 22:00-06:00', '--time-zone', 'Europe/Zurich'],
      ...['--embed-at', '2036-01-31T22:00', '--embed-queue', 'other-gpu'],
    );

    expect(code).toBe(0);
    expect((await json('status', job_id)).request).toMatchObject({
      source: join(bench.folder, 'photos'),
      priority: 2,
      fairness_key: 'team-a',
      fairness_weight: 2.5,
      embed_window: {
        start: '22:00',
        end: '06:00',
        days: ['mon', 'tue', 'wed', 'thu', 'fri'],
        time_zone: 'Europe/Zurich',
      },
      embed_at: '2036-01-31T21:00:00Z',
      embed_task_queue: 'other-gpu',
    });
  });

  it('notes that it adds a folder to the dataset of another, unless the dataset is named', async () => {
    const other = join(bench.folder, 'other', 'noted');
    await makePictures(other, 1);
    await makePictures(join(bench.folder, 'noted'), 1);
    const first = await bench.run('load', './noted', '--no-embed', '--wait');
    expect(first.stderr).not.toContain('note:');

    const second = await bench.run('load', other, '--no-embed', '--wait');
    expect(second.stderr).toContain(
      `note: noted already holds ${join(bench.folder, 'noted')}; this adds ${other} to it. For a dataset of its own: --dataset NAME`,
    );
    for (const args of [['./noted'], [other], [other, '--dataset', 'noted']])
      expect((await bench.run('load', ...args, '--no-embed', '--wait')).stderr).not.toContain('note:');
  });

  it('--if-running attach prints the ID of the job that runs and says that it is not new; replace starts another', async () => {
    const first = await json('load', './photos');
    await bench.run('wait', first.job_id, '--for', 'browsable');

    const attached = await bench.run('load', './photos', '--if-running', 'attach');
    expect(attached).toMatchObject({ code: 0, stdout: `${first.job_id}\n` });
    expect(attached.stderr).toContain('No new job: ');

    const second = await json('load', './photos', '--no-embed', '--if-running', 'replace');
    expect(second).toMatchObject({ code: 0, attached: false });
    expect((await json('wait', second.job_id)).state).toBe('completed');
    expect((await json('status', first.job_id)).state).toBe('canceled');
  });
});

describe('schedule', () => {
  it('is created, listed, paused, resumed, triggered and deleted', async () => {
    const created = await bench.run(
      ...['schedule', 'create', 'nightly', './photos', '--dataset', 'scheduled', '--no-embed'],
      ...['--cron', '0 3 * * *', '--time-zone', 'Europe/Zurich'],
    );
    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(created.stdout).toMatch(/^Created: nightly\. At 03:00 \(Europe\/Zurich\)\. Next run: .*03:00\.$/m);

    const again = await json('schedule', 'create', 'nightly', './photos', '--every', '6h');
    expect(again).toMatchObject({ code: 1, error: { code: 'ScheduleExists' } });

    await expect.poll(async () => (await json('schedule', 'list')).schedules).toHaveLength(1);
    const paused = await json('schedule', 'pause', 'nightly', '--reason', 'disk');
    expect(paused).toMatchObject({ code: 0, paused: true, note: 'disk', next_run: null });
    expect((await bench.run('schedule', 'list')).stdout).toMatch(
      /^nightly +scheduled .* paused +-\n {2}paused: disk$/m,
    );
    expect(await json('schedule', 'resume', 'nightly')).toMatchObject({ code: 0, paused: false });

    const triggered = await bench.run('schedule', 'trigger', 'nightly');
    expect(triggered).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Triggered: job (\S+)\. .*wait \1$/m) });
    await expect.poll(async () => (await json('schedule', 'list')).schedules[0].last_run?.result).toBe('completed');
    expect(await json('status', 'scheduled')).toMatchObject({ state: 'completed', phases: { indexing: { done: 3 } } });

    expect((await bench.run('schedule', 'delete', 'nightly')).stdout).toBe('Deleted: nightly.\n');
    expect(await json('schedule', 'trigger', 'nightly')).toMatchObject({
      code: 3,
      error: { code: 'ScheduleNotFound' },
    });
  });

  it('says that a run was skipped, and why one failed', async () => {
    await makePictures(join(bench.folder, 'busy'), 2);
    await bench.run('schedule', 'create', 'busy', './busy', '--every', '1h');
    const { job_id } = await json('load', './busy');
    await bench.run('wait', job_id, '--for', 'browsable');

    expect((await bench.run('schedule', 'trigger', 'busy')).stdout).toMatch(
      /^Skipped: a job of busy is running already/,
    );

    await bench.run('cancel', job_id, '--wait');
    await rm(join(bench.folder, 'busy'), { recursive: true });
    await bench.run('schedule', 'trigger', 'busy');
    await expect
      .poll(async () => (await bench.run('schedule', 'list')).stdout)
      .toMatch(/^busy .* failed, .*\n {2}last run: .*busy/m);
    await bench.run('schedule', 'delete', 'busy');
  });

  it('is in UTC on a machine without a time zone', async () => {
    const create = [
      'schedule',
      'create',
      'zoneless',
      './photos',
      '--cron',
      '0 3 * * *',
      '--embed-window',
      '22:00-06:00',
    ];

    const { code, stdout } = await startCommand([...create, '--json'], {
      env: { ...bench.env, TZ: '' },
      cwd: bench.folder,
    }).ended;

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ time_zone: 'UTC', request: { embed_window: { time_zone: 'UTC' } } });
    await bench.run('schedule', 'delete', 'zoneless');
  });
});
