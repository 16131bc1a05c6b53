import { copyFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { storeOf } from '../../core/store/open.ts';
import type { Store } from '../../core/store/store.ts';
import { type CommandBench, createCommandBench } from '../cli/command-bench.ts';
import { hasTerminal, onTerminal } from '../cli/on-terminal.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';

const JOB_ID = /^[0-9a-f-]{36}$/;

let bench: CommandBench;
let store: Store;
let killWorker: (signal?: NodeJS.Signals) => Promise<void>;

beforeAll(async () => {
  bench = await createCommandBench();
  store = storeOf(new MongoClient(bench.env.MONGODB_URI as string));
  [killWorker] = await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding')]);
});
afterAll(async () => {
  await store?.client.db().dropDatabase();
  await store?.close();
  await bench?.stop();
});

/** A dataset of three pictures and a broken file, of which one picture is gone. */
async function loadWithMissing(dataset: string): Promise<string> {
  const folder = join(bench.folder, dataset);
  const [first] = await makePictures(folder, 3);
  await writeFile(join(folder, 'broken.jpg'), 'not a picture');
  await bench.run('load', folder, '--wait');
  await rm(first as string);
  await bench.run('load', folder, '--no-embed', '--wait');
  return folder;
}

describe('prune', () => {
  it('counts with --dry-run, removes, and says what it has removed', async () => {
    await loadWithMissing('pruned');

    const dry = await bench.run('prune', 'pruned', '--dry-run');
    const dryJson = await bench.run('prune', 'pruned', '--dry-run', '--json');
    const done = await bench.run('prune', 'pruned', '--wait');
    const listed = await bench.run('jobs', '--dataset', 'pruned', '--limit', '1');

    expect(dry).toMatchObject({ code: 0, stdout: 'A prune of pruned would remove 1 sample and 1 vector.\n' });
    expect(JSON.parse(dryJson.stdout)).toEqual({ dataset: 'pruned', dry_run: true, samples: 1, vectors: 1 });
    expect(done.code).toBe(0);
    expect(done.stdout.split('\n')[0]).toMatch(JOB_ID);
    expect(done.stdout).toMatch(/Prune of pruned completed/);
    expect(done.stdout).toMatch(/removed 1 sample, 1 vector/);
    expect(done.stderr).not.toContain('removed');
    expect(listed.stdout).toMatch(/prune +pruned +completed .*removed 1 sample, 1 vector/);
  });

  it('ends with 3 for a dataset that is not there', async () => {
    expect((await bench.run('prune', 'no-such')).code).toBe(3);
    expect((await bench.run('prune', 'no-such', '--dry-run')).code).toBe(3);
  });
});

describe('export', () => {
  it('writes a folder, says what is in it, and what is not', async () => {
    const source = join(bench.folder, 'written');
    await makePictures(source, 3);
    await bench.run('load', source, '--no-embed', '--wait');
    const target = join(bench.folder, 'written-out');

    const done = await bench.run('export', 'written', target, '--format', 'yolo', '--copy', '--wait');
    expect(done.code).toBe(0);
    expect(done.stdout.split('\n')[0]).toMatch(JOB_ID);
    expect(done.stdout).toMatch(/Export of written completed/);
    expect(done.stdout).toMatch(/exported 3 samples/);
    expect(done.stdout).toContain(`Exported 0 annotations as yolo to ${target}`);
    expect(done.stdout).toMatch(/3 {2}images were copied/);
    expect((await readdir(join(target, 'images/train'))).length).toBe(3);
    expect((await bench.run('jobs', '--kind', 'export')).stdout).toMatch(
      /export +written +completed .*exported 3 samples/,
    );

    const again = await bench.run('export', 'written', target, '--format', 'yolo', '--wait', '--json');
    expect({ code: again.code, error: JSON.parse(again.stdout).error.code }).toEqual({
      code: 1,
      error: 'ExportNotWritable',
    });
    const filter = ['--below', join(source, 'nowhere'), '--where', 'width=1..9'];
    const none = await bench.run('export', 'written', `${target}-2`, '--format', 'csv', ...filter, '--wait', '--json');
    expect(JSON.parse(none.stdout).exported).toMatchObject({ samples: 0, total: 0 });
  });

  it('ends with 3 for a dataset that is not there', async () => {
    expect((await bench.run('export', 'no-such', '/tmp/out', '--format', 'csv')).code).toBe(3);
  });
});

describe('duplicates', () => {
  it('says where the groups are, lists them, and tags the rest of each', async () => {
    const source = join(bench.folder, 'doubles');
    const [original] = await makePictures(source, 3);
    await copyFile(original as string, join(source, 'a-copy.jpg'));
    await bench.run('load', source, '--wait');
    expect((await bench.run('duplicates', 'doubles', '--list')).stderr).toContain('No search for duplicates has ended');

    const done = await bench.run('duplicates', 'doubles', '--threshold', '0.999', '--wait');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('found 1 group in 4 samples') });
    expect(done.stdout).toContain('plimsoll duplicates doubles --list');
    const list = await bench.run('duplicates', 'doubles', '--list');
    expect(list.stdout).toMatch(/^ +1 +exact +1\.000 +\* +0 .*a-copy\.jpg$/m);
    expect(list.stdout).toMatch(/^ +1 +exact +1\.000 +1 .*picture-000000\.jpg$/m);
    expect(list.stdout.trim().split('\n')).toHaveLength(3);
    const { run, groups, next } = JSON.parse((await bench.run('duplicates', 'doubles', '--list', '--json')).stdout);
    expect(run).toMatchObject({ threshold: 0.999, exact: true, groups: 1, samples: 2 });
    expect(groups).toMatchObject([{ group: 1, kind: 'exact', size: 2, members: [{ keep: true }, { keep: false }] }]);
    expect(next).toBeNull();

    const tagged = await bench.run('duplicates', 'doubles', '--tag-rest', 'double');
    expect(tagged.stdout).toBe('The tag double is on 1 sample of 1 group.\n');
    const { samples } = JSON.parse((await bench.run('samples', 'doubles', '--json')).stdout);
    expect(samples.map(({ tags }: { tags: string[] }) => tags)).toEqual([[], ['double'], [], []]);
    expect((await bench.run('jobs', '--kind', 'duplicates')).stdout).toMatch(
      /duplicates +doubles +completed .*found 1 group/,
    );
    expect((await bench.run('duplicates', 'no-such')).code).toBe(3);
  });
});

describe('tag', () => {
  const tagsIn = async (...filters: string[]) => {
    const { samples } = JSON.parse((await bench.run('samples', 'tagged', ...filters, '--json')).stdout);
    return samples.map(({ seq, tags }: { seq: number; tags: string[] }) => [seq, tags]);
  };

  it('adds and removes tags, of samples by number, by a filter, or of all', async () => {
    const source = join(bench.folder, 'tagged');
    await makePictures(source, 3);
    await bench.run('load', source, '--no-embed', '--wait');
    const some = await bench.run('tag', 'tagged', '--add', 'keep', '--add', 'two words', '--seq', '0', '--seq', '2');
    expect(some).toMatchObject({ code: 0, stdout: '2 samples changed, of 2 samples that fit.\n' });
    expect(await tagsIn('--tag', 'keep')).toEqual([
      [0, ['keep', 'two words']],
      [2, ['keep', 'two words']],
    ]);
    const filtered = await bench.run(
      'tag',
      'tagged',
      '--add',
      'rest',
      '--remove',
      'keep',
      '--without-tag',
      'keep',
      '--json',
    );
    expect(JSON.parse(filtered.stdout)).toEqual({ dataset: 'tagged', matched: 1, modified: 1 });
    expect(await tagsIn('--tag', 'rest')).toEqual([[1, ['rest']]]);
    const all = await bench.run('tag', 'tagged', '--remove', 'two words', '--all');
    expect(all.stdout).toBe('2 samples changed, of 3 samples that fit.\n');
    expect((await bench.run('tag', 'tagged', '--remove', 'two words', '--all')).stdout).toContain('0 samples changed');
    expect(await tagsIn()).toEqual([
      [0, ['keep']],
      [1, ['rest']],
      [2, ['keep']],
    ]);
  });

  it.each([
    ['no tag', ['--all'], 'Name a tag'],
    ['no samples', ['--add', 'x'], 'Say which samples'],
    ['samples in two ways', ['--add', 'x', '--all', '--status', 'failed'], 'Say which samples'],
    ['a tag that is none', ['--add', ' x', '--all'], 'The tag " x" must not begin or end with a space.'],
  ])('refuses %s, and changes nothing', async (_, args, words) => {
    const { code, stderr } = await bench.run('tag', 'tagged', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });

  it('ends with 3 for a dataset that is not there', async () => {
    expect((await bench.run('tag', 'no-such', '--add', 'x', '--all')).code).toBe(3);
  });
});

describe('a folder that moved', () => {
  it('holds up a prune, is relocated, and can be forgotten', async () => {
    const from = await loadWithMissing('moved');
    const to = `${from} new`;
    await rename(from, to);

    const held = await bench.run('prune', 'moved', '--wait');
    expect(held.code).toBe(1);
    expect(held.stdout).toContain(`plimsoll relocate moved --from ${from} --to FOLDER`);
    expect(held.stdout).toContain(`plimsoll forget moved --source ${from}`);

    const nowhere = await bench.run('relocate', 'moved', '--from', from, '--to', `${to}er`, '--wait');
    expect(nowhere).toMatchObject({ code: 1, stdout: expect.stringContaining('SourceNotFound') });
    const relocated = await bench.run('relocate', 'moved', '--from', from, '--to', to, '--wait');
    expect(relocated).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Relocate of moved completed.*moved 4 samples/s),
    });
    expect((await bench.run('prune', 'moved', '--wait')).stdout).toContain('removed 1 sample, 1 vector');

    const dry = await bench.run('forget', 'moved', '--source', to, '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: 'A forget would remove 3 samples and 2 vectors of moved.\n' });
    const forgotten = await bench.run('forget', 'moved', '--source', to, '--yes', '--wait', '--json');
    expect(JSON.parse(forgotten.stdout)).toMatchObject({ kind: 'forget', removed: { samples: 3, vectors: 2 } });
    const listed = await bench.run('jobs', '--dataset', 'moved', '--kind', 'relocate');
    expect(listed.stdout).toMatch(/relocate +moved +completed .*moved 4 samples/);
  });
});

describe('retry', () => {
  it('mends what can be mended, and says what fails again', async () => {
    const folder = await loadWithMissing('retried');
    const bad = await bench.run('retry', 'retried', '--wait', '--json');
    await writeFile(join(folder, 'broken.jpg'), await drawPicture(5));
    const good = await bench.run('retry', 'retried', '--wait');

    expect(bad.code).toBe(0);
    const status = JSON.parse(bad.stdout) as JobStatus;
    expect(status).toMatchObject({ kind: 'retry', state: 'completed', request: { embed: false } });
    expect(status.phases.indexing).toMatchObject({ failed: 1, total: 1, failures: { not_an_image: 1 } });
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/Retry of retried completed/);
    expect(good.stdout).toMatch(/1 {2}changed/);
    expect((await bench.run('samples', 'retried', '--errors')).stderr).toContain('No errors.');
  });

  it('ends with 3 for a job that is not there', async () => {
    expect((await bench.run('retry', 'no-such')).code).toBe(3);
  });
});

describe('models', () => {
  const OTHER = 'other@111111111111';

  it('lists those of a dataset, lets one serve, and drops the other', async () => {
    // A dataset may be called like a command.
    await loadWithMissing('use');
    await collectionsOf(store).embeddings.insertOne({ dataset_id: 'use', seq: 1, model_key: OTHER, dim: 3 } as never);
    const listed = await bench.run('models', 'of', 'use');
    expect(listed.stdout).toMatch(/^MODEL +VECTORS +DIM +EMBEDDED +COMPLETED +INDEX +STATE\n/);
    expect(listed.stdout).toMatch(/^color-gradient-grid@\w+ +3 +\d+ +100% .*serves$/m);
    expect(listed.stdout).toMatch(/^other@111111111111 +1 +3 +\d+% +- +-$/m);

    const refused = await bench.run('models', 'drop', 'use', 'color-gradient-grid', '--yes');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`plimsoll models use use ${OTHER}`) });
    const used = await bench.run('models', 'use', 'use', 'other');
    expect(used).toMatchObject({ code: 0, stdout: `Searches of use use ${OTHER}.\n` });
    expect(used.stderr).toMatch(/it has vectors of [01] of 2 samples/);
    const json = JSON.parse((await bench.run('models', 'of', 'use', '--json')).stdout);
    expect(json).toMatchObject({ dataset: 'use', serving: OTHER, indexed: 2 });

    const dry = await bench.run('models', 'drop', 'use', 'color-gradient-grid', '--dry-run');
    expect(dry.stdout).toBe('A drop of color-gradient-grid would remove 3 vectors of use.\n');
    const dropped = await bench.run('models', 'drop', 'use', 'color-gradient-grid', '--yes', '--wait');
    expect(dropped).toMatchObject({ code: 0, stdout: expect.stringMatching(/completed.*removed 3 vectors$/ms) });
  });

  it('takes the name of a dataset without a verb, and ends with 3 for what is not there', async () => {
    const nothing = await bench.run('models', 'no-such');
    expect(nothing).toMatchObject({ code: 3, stderr: expect.stringContaining('no-such') });
    await loadWithMissing('modelled');
    expect((await bench.run('models', 'modelled')).stdout).toContain('serves');
    expect((await bench.run('models', 'use', 'modelled', 'no-such')).code).toBe(3);
    expect((await bench.run('models', 'drop', 'modelled', 'no-such', '--yes')).code).toBe(3);
  });
});

describe('delete', () => {
  it.each([
    ['delete', 'whatever'],
    ['models', 'drop', 'whatever', 'any'],
    ['forget', 'whatever', '--source', '/gone'],
  ])('wants --yes where nobody can be asked: %s', async (...args) => {
    const { code, stderr } = await bench.run(...args);

    expect(code).toBe(2);
    expect(stderr).toContain('--yes');
  });

  it.runIf(hasTerminal)('asks on a terminal, and takes anything but a yes for a no', async () => {
    await loadWithMissing('asked');
    const place = { env: bench.env, cwd: bench.folder };

    const no = await onTerminal('\n', ['delete', 'asked'], place);
    const kept = await collectionsOf(store).samples.countDocuments({ dataset_id: 'asked' });
    const yes = await onTerminal('y\n', ['delete', 'asked', '--wait'], place);

    expect(no).toMatchObject({ code: 1 });
    expect(no.stdout).toContain('Delete asked, 4 samples and 3 vectors? [y/N]');
    expect(no.stdout).toContain('Nothing was deleted.');
    expect(kept).toBe(4);
    expect(yes.code).toBe(0);
    expect(yes.stdout).toContain('Deletion of asked completed');
    expect(lastScreen(yes.stdout).match(/removed 4 samples/g)).toHaveLength(1);
    expect(await collectionsOf(store).samples.countDocuments({ dataset_id: 'asked' })).toBe(0);
  });

  it('knows no dataset that is not there, and advises nobody to load it first', async () => {
    for (const command of ['delete', 'prune']) {
      const { code, stderr } = await bench.run(command, 'nope', '--dry-run');
      expect(code).toBe(3);
      expect(stderr).toContain('There is no dataset "nope". See what was loaded: plimsoll jobs');
    }
  });

  it('counts with --dry-run, deletes, and leaves nothing to list but its jobs', async () => {
    await loadWithMissing('deleted');

    const dry = await bench.run('delete', 'deleted', '--dry-run');
    const done = await bench.run('delete', 'deleted', '--yes', '--wait', '--json');
    const samples = await bench.run('samples', 'deleted', '--json');
    const jobs = await bench.run('jobs', '--dataset', 'deleted', '--json');

    expect(dry).toMatchObject({ code: 0, stdout: 'Deleting deleted would remove 4 samples and 3 vectors.\n' });
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ state: 'completed', removed: { samples: 4, vectors: 3 } });
    expect(samples.code).toBe(3);
    expect(JSON.parse(samples.stdout)).toMatchObject({ error: { code: 'DatasetNotFound' } });
    expect(JSON.parse(jobs.stdout).jobs).toHaveLength(3);
  });

  it('says which schedules it would pause', async () => {
    const folder = await loadWithMissing('scheduled');
    await bench.run('schedule', 'create', 'hourly-scheduled', folder, '--dataset', 'scheduled', '--every', '1h');
    const dryRun = () => bench.run('delete', 'scheduled', '--dry-run');

    await expect.poll(async () => (await dryRun()).stdout).toContain('the schedule hourly-scheduled');

    await bench.run('schedule', 'delete', 'hourly-scheduled');
  });

  it('is completed by another worker when the one at it is killed', async () => {
    const dataset = 'killed';
    await makeLargeDataset(dataset, 60_000);
    const starting = bench.start('delete', dataset, '--yes');
    await until(async () => {
      const load = await collectionsOf(store).jobs.findOne({ dataset_id: dataset });
      return (load?.removed?.vectors ?? 0) > 0;
    });
    await killWorker('SIGKILL');
    const jobId = (await starting.ended).stdout.trim();
    const half = await collectionsOf(store).samples.countDocuments({ dataset_id: dataset });
    expect(half).toBeGreaterThan(0);
    expect(await collectionsOf(store).datasets.findOne({ _id: dataset })).toMatchObject({
      deleting: { job_id: jobId },
    });

    await bench.startWorker('indexing');
    const { code, stdout } = await bench.run('wait', jobId, '--json');

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'completed', removed: { samples: 60_000, vectors: 60_000 } });
    expect(await collectionsOf(store).samples.countDocuments({ dataset_id: dataset })).toBe(0);
    expect(await collectionsOf(store).embeddings.countDocuments({ dataset_id: dataset })).toBe(0);
    expect(await collectionsOf(store).datasets.countDocuments({ _id: dataset })).toBe(0);
  });
});

/** Returns the text left on the screen, without lines that were erased. */
function lastScreen(written: string): string {
  const lines = [''];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it reads
  for (const part of written.split(/(\n|\u001b\[\d*[A-Z])/)) {
    if (part === '\n') lines.push('');
    else if (part === '\u001b[1A') lines.pop();
    else if (part === '\u001b[2K') lines[lines.length - 1] = '';
    else lines[lines.length - 1] += part;
  }
  return lines.join('\n');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** Writes documents without files, enough that a deletion takes some seconds. */
async function makeLargeDataset(dataset: string, count: number): Promise<void> {
  await collectionsOf(store).datasets.insertOne({ _id: dataset, sources: [], models: [] } as never);
  const seqs = Array.from({ length: count }, (_, seq) => seq);
  await collectionsOf(store).samples.insertMany(
    seqs.map((seq) => ({ dataset_id: dataset, seq, filepath: `/${seq}`, status: 'indexed' }) as never),
  );
  await collectionsOf(store).embeddings.insertMany(
    seqs.map((seq) => ({ dataset_id: dataset, seq, model_key: 'a@1' }) as never),
  );
}
