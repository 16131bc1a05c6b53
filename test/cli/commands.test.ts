import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../core/store/open.ts';
import { clearRetrying, noteRetrying } from '../../core/store/retried-activities.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { type CommandBench, createCommandBench, runCommand } from './command-bench.ts';

const ODD_NAME = 'new\nline \u001b[31m"red".jpg';

let bench: CommandBench;
let photos: string;

beforeAll(async () => {
  bench = await createCommandBench();
  photos = join(bench.folder, 'My Photos');
  await makePictures(photos, 25);
  await writeFile(join(photos, ODD_NAME), 'not a picture');
  await writeFile(join(photos, 'zero.png'), '');
  await writeFile(join(photos, 'notes.txt'), 'notes');
  await writeFile(join(photos, '.hidden.jpg'), await drawPicture(100));
  // Its header can be read, its pixels can't.
  const whole = await drawPicture(99);
  await writeFile(join(photos, 'truncated.jpg'), whole.subarray(0, whole.length - 200));
  await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding')]);
  loaded = await bench.start('load', photos, '--wait').ended;
});
afterAll(() => bench?.stop());

let loaded: Awaited<ReturnType<CommandBench['run']>>;

const JOB_ID = /^[0-9a-f-]{36}$/;

describe('load --wait', () => {
  it('ends with 0, the job ID on the first line of stdout', () => {
    expect(loaded.code).toBe(0);
    expect(loaded.stdout.split('\n')[0]).toMatch(JOB_ID);
  });

  it('counts what became of each file', () => {
    const counts = [...loaded.stdout.matchAll(/^ +(\d+) {2}([^:\n]+)/gm)].map(([, n, name]) => `${n} ${name}`);
    expect(counts).toEqual(['26 added', "2 can't be read", '1 ignored', '1 left out', "1 can't be embedded"]);
  });

  it('says which files failed, in which stage, and why', () => {
    expect(loaded.stdout).toMatch(/zero\.png +empty_file/);
    expect(loaded.stdout).toMatch(/truncated\.jpg +decode_failed/);
  });

  it('escapes what a file name could do to a terminal', () => {
    expect(loaded.stdout).toContain('new\\nline \\e[31m"red".jpg');
    expect(loaded.stdout + loaded.stderr).not.toContain('\u001b');
  });

  it('writes plain progress to stderr, and says when the dataset can be browsed', () => {
    expect(loaded.stderr).toMatch(/^indexing: completed, 28 files, 2 failed/m);
    expect(loaded.stderr).toMatch(/^embedding: completed, 26 samples, 1 failed/m);
    expect(loaded.stderr).toMatch(/Browsable {2}26 samples/);
  });

  it('makes the dataset name from the folder', async () => {
    expect((await bench.run('samples', 'my-photos', '--limit', '1')).code).toBe(0);
  });

  it('prints one JSON document with --json: the status', async () => {
    const rules = ['--include', '*.{jpg,png}', '--exclude', 'zero*', '--exclude', 'nothing', '--hidden', '--reread'];
    const other = ['--dataset', 'again', '--no-embed', '--wait', '--json'];
    const { code, stdout } = await bench.run('load', photos, ...other, ...rules);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      job_id: expect.stringMatching(JOB_ID),
      dataset: 'again',
      state: 'completed',
      error: null,
      phases: {
        indexing: {
          state: 'completed',
          done: 27,
          failed: 1,
          total: 28,
          outcomes: { added: 27, failed: 1, ignored: 1, excluded: 1 },
        },
        embedding: { state: 'skipped' },
      },
      request: { include: ['*.{jpg,png}'], exclude: ['zero*', 'nothing'], hidden: true, reread: true },
    });
  });

  it('ends with 1 when the load fails, and says why', async () => {
    const empty = join(bench.folder, 'empty');
    await mkdir(empty);
    const { code, stdout } = await bench.start('load', empty, '--wait').ended;
    expect(code).toBe(1);
    expect(stdout).toContain('Load of empty failed');
    expect(stdout).toContain(`SourceEmpty: source: ${empty} is empty`);
  });
});

describe('load', () => {
  it('prints nothing but the job ID, and returns', async () => {
    const { code, stdout, stderr } = await bench.run('load', photos, '--dataset', 'quick', '--no-embed');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd()).toMatch(JOB_ID);
    expect((await bench.run('wait', stdout.trim())).code).toBe(0);
  });

  it('resolves the folder against the current one', async () => {
    const { stdout } = await bench.run(
      'load',
      `./${basename(photos)}`,
      '--dataset',
      'relative',
      '--no-embed',
      '--json',
    );
    const job = JSON.parse(stdout);
    expect(Object.keys(job)).toEqual(['job_id', 'workflow_id', 'dataset', 'attached']);
    const status = JSON.parse((await bench.run('wait', 'relative', '--json')).stdout);
    expect(status).toMatchObject({ job_id: job.job_id, request: { source: photos } });
  });

  it('exits with 2 for a name that no dataset can have, naming the field', async () => {
    const { code, stderr } = await bench.run('load', photos, '--dataset', 'No Spaces');
    expect(code).toBe(2);
    expect(stderr).toMatch(/dataset must begin with .*, not be "/);
  });

  it('says that the namespace is not there', async () => {
    const env = { ...bench.env, TEMPORAL_NAMESPACE: 'nowhere' };
    const { code, stdout } = await runCommand(['load', photos, '--json'], { env });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'NamespaceNotFound',
      message: expect.stringContaining('TEMPORAL_NAMESPACE'),
    });
  });

  it('says that the indexing worker must have a folder that is not on this machine', async () => {
    const { code, stderr } = await bench.run('load', '/nowhere/photos', '--dataset', 'nowhere');
    expect(code).toBe(0);
    expect(stderr).toContain('/nowhere/photos is not on this machine');
    expect((await bench.run('wait', 'nowhere')).code).toBe(1);
  });
});

describe('wait', () => {
  it('takes a prefix of the job ID', async () => {
    const id = loaded.stdout.split('\n')[0] ?? '';
    expect((await bench.run('wait', id.slice(0, 13))).code).toBe(0);
  });

  it('exits with 3 when there is no such job', async () => {
    const { code, stdout, stderr } = await bench.start('wait', 'no-such-job').ended;
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('no-such-job');
  });

  it('with --for browsable exits with 0 although phase 2 failed', async () => {
    const { code } = await bench.run('load', photos, '--dataset', 'half', '--model', 'no-such-model', '--wait');
    expect(code).toBe(1);
    expect((await bench.run('wait', 'half')).code).toBe(1);
    expect((await bench.run('wait', 'half', '--for', 'browsable')).code).toBe(0);
  });
});

describe('while nobody embeds', () => {
  let bare: CommandBench;
  beforeAll(async () => {
    bare = await createCommandBench();
    await makePictures(join(bare.folder, 'photos'), 3);
    await bare.startWorker('indexing');
    expect((await bare.run('load', './photos')).code).toBe(0);
  });
  afterAll(() => bare?.stop());

  it('wait --for browsable returns at the end of phase 1', async () => {
    const { code, stdout } = await bare.run('wait', 'photos', '--for', 'browsable', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'running', phases: { indexing: { state: 'completed' } } });
  });

  it('wait --timeout exits with 124, and says what the job waits for', async () => {
    await expect.poll(async () => (await bare.run('status')).stdout).toContain('waiting for a worker on plimsoll-gpu');
    const { code, stdout, stderr } = await bare.start('wait', 'photos', '--timeout', '5').ended;
    expect({ code, stdout }).toEqual({ code: 124, stdout: '' });
    expect(stderr).toContain('waiting for a worker on plimsoll-gpu');
  });

  it('wait --timeout --json tells the error and the last status', async () => {
    const { code, stdout } = await bare.run('wait', 'photos', '--timeout', '5', '--json');
    expect(code).toBe(124);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'WaitTimeout', message: expect.any(String) },
      status: { dataset: 'photos', state: 'running' },
    });
  });

  it('Ctrl-C leaves the load running, says so, and exits with 130', async () => {
    const waiting = bare.start('wait', 'photos');
    await waiting.says('plimsoll-gpu');
    waiting.child.kill('SIGINT');
    const { code, stdout, stderr } = await waiting.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('the job goes on');
    expect(JSON.parse((await bare.run('status', 'photos', '--json')).stdout).state).toBe('running');
  });

  it('a second load of the dataset is refused, naming the job that runs', async () => {
    const { code, stdout } = await bare.run('load', './photos', '--json');
    const running = JSON.parse((await bare.run('status', '--json')).stdout);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toEqual({
      code: 'AlreadyRunning',
      message: `A load of photos is running already: job ${running.job_id}. Wait for it: plimsoll wait ${running.job_id}; --if-running attach takes it as yours; --if-running replace cancels it and starts anew`,
    });
  });

  it('datasets says that it can be browsed, and that its job runs', async () => {
    expect((await bare.run('datasets')).stdout).toMatch(/^photos +3 +0 +0 +browsable +load running, .* ago$/m);
  });

  it('status says how far each phase is', async () => {
    const { code, stdout } = await bare.run('status');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}Indexing +3 files, /m);
    expect(stdout).toMatch(/^ {2}Embedding +waiting for a worker on plimsoll-gpu/m);
  });

  it('status says what is retried, and why', async () => {
    const store = openStore(bare.env.MONGODB_URI ?? '');
    const { job_id } = JSON.parse((await bare.run('status', '--json')).stdout);
    const retried = { jobId: job_id, key: 'a', timeoutMS: 10_000 };
    const error = { code: 'ModelBusy', message: 'the device is busy' };
    await noteRetrying(store, retried, { activity: 'openModel', attempt: 4, since: new Date(0), error });
    const { stdout } = await bare.run('status');
    await clearRetrying(store, retried);
    await store.close();
    expect(stdout).toMatch(
      /^ {2}openModel is being retried \(attempt 4, since 1970-01-01 00:00 UTC\): ModelBusy: the device is busy$/m,
    );
  });

  it('doctor warns that embedding waits', async () => {
    const { code, stdout } = await bare.run('doctor', '--json');
    expect(code).toBe(0);
    const checks = JSON.parse(stdout).checks;
    expect(checks).toContainEqual(expect.objectContaining({ name: 'Indexing workers', state: 'ok' }));
    expect(checks).toContainEqual(expect.objectContaining({ name: 'Embedding workers', state: 'warning' }));
  });
});

describe('status', () => {
  it('has stable fields', async () => {
    const status = JSON.parse((await bench.run('status', 'my-photos', '--json')).stdout);
    expect(Object.keys(status)).toEqual([
      'job_id',
      'workflow_id',
      'kind',
      'dataset',
      'state',
      'phases',
      'error',
      'retrying',
      'request',
      'started_at',
      'paused_at',
      'finished_at',
    ]);
    expect(Object.keys(status.phases)).toEqual(['indexing', 'embedding']);
    for (const phase of Object.values(status.phases)) {
      expect(phase).toMatchObject({ state: 'completed', total_known: true, rate: expect.any(Number), seconds_left: 0 });
    }
  });
});

describe('jobs', () => {
  it('lists the latest first, page by page', async () => {
    const all = JSON.parse((await bench.run('jobs', '--limit', '1000', '--json')).stdout);
    const first = JSON.parse((await bench.run('jobs', '--limit', '2', '--json')).stdout);
    const second = JSON.parse((await bench.run('jobs', '--limit', '2', '--cursor', first.next, '--json')).stdout);
    const ids = (page: { jobs: { job_id: string }[] }) => page.jobs.map((job) => job.job_id);
    expect([...ids(first), ...ids(second)]).toEqual(ids(all).slice(0, 4));
    expect(all.next).toBeNull();
  });

  it('prints whole job IDs where stdout is no terminal', async () => {
    const { stdout } = await bench.run('jobs', '--dataset', 'my-photos');
    const [head, row] = stdout.split('\n');
    expect(head).toMatch(/^JOB +KIND +DATASET +STATE +STARTED +TOOK +WHAT$/);
    expect(row).toMatch(
      /^[0-9a-f-]{36} {2}load +my-photos +completed .* 28 files: 26 new, 2 can't be read; 25 embedded, 1 can't be$/,
    );
  });

  it('filters by state', async () => {
    const { jobs } = JSON.parse((await bench.run('jobs', '--state', 'failed', '--json')).stdout);
    expect(jobs.length).toBeGreaterThan(0);
    expect(new Set(jobs.map((job: { state: string }) => job.state))).toEqual(new Set(['failed']));
  });
});

describe('datasets', () => {
  it('are listed by name, with what they hold and how far one can use them', async () => {
    const { code, stdout } = await bench.run('datasets');
    expect(code).toBe(0);
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^DATASET +SAMPLES +FAILED +MISSING +STATE +LAST JOB +VECTORS$/);
    expect(rows).toContainEqual(
      expect.stringMatching(/^my-photos +28 +2 +0 +ready +load completed, .* ago +25 color-gradient-grid$/),
    );
    expect(rows).toContainEqual(expect.stringMatching(/^again +28 +1 +0 +browsable +load completed/));
    const names = rows.map((row) => row.split(' ')[0]);
    expect(names).toEqual(names.toSorted());
  });

  it('have the shape that the API gives them', async () => {
    const { datasets } = JSON.parse((await bench.run('datasets', '--json')).stdout);
    expect(datasets).toContainEqual(
      expect.objectContaining({
        dataset: 'my-photos',
        sources: [photos],
        counts: { total: 28, indexed: 26, failed: 2, missing: 0 },
        models: [expect.objectContaining({ name: 'color-gradient-grid', vectors: 25 })],
        deleting: false,
      }),
    );
  });
});

describe('samples', () => {
  const samples = async (...args: string[]) =>
    JSON.parse((await bench.run('samples', 'my-photos', '--json', ...args)).stdout);

  it('pages by seq', async () => {
    const first = await samples('--limit', '20');
    const second = await samples('--limit', '20', '--after', String(first.next));
    const seqs = [...first.samples, ...second.samples].map((sample) => sample.seq);
    expect(seqs).toEqual(Array.from({ length: 28 }, (_, seq) => seq));
    expect(second.next).toBeNull();
  });

  it('has stable fields', async () => {
    const { samples: rows } = await samples('--status', 'indexed', '--limit', '1');
    expect(rows[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      seq: expect.any(Number),
      filepath: expect.stringContaining(photos),
      filepath_base64: null,
      status: 'indexed',
      size_bytes: expect.any(Number),
      metadata: expect.objectContaining({ width: 64, height: 48, format: 'jpeg', mime_type: 'image/jpeg' }),
      tags: [],
      split: null,
      error: null,
      job_id: expect.stringMatching(JOB_ID),
      created_at: expect.any(String),
      last_modified_at: expect.any(String),
    });
  });

  it('--errors lists what went wrong in either stage', async () => {
    const rows: { filepath: string; error: { code: string; stage: string } }[] = (await samples('--errors')).samples;
    const found = Object.fromEntries(
      rows.map(({ filepath, error }) => [basename(filepath), `${error.stage} ${error.code}`]),
    );
    expect(found).toEqual({
      [ODD_NAME]: 'indexing not_an_image',
      'truncated.jpg': 'embedding decode_failed',
      'zero.png': 'indexing empty_file',
    });
  });

  it('prints a line a sample, whatever its name', async () => {
    const { stdout } = await bench.run('samples', 'my-photos', '--limit', '100');
    expect(stdout.trimEnd().split('\n')).toHaveLength(29);
    expect(stdout).toContain('new\\nline \\e[31m"red".jpg');
  });

  it('exits with 3 when there is no such dataset', async () => {
    const { code, stdout } = await bench.run('samples', 'nothing', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout).error.code).toBe('DatasetNotFound');
  });

  it('ends quietly when its reader has seen enough', async () => {
    const listing = bench.start('samples', 'my-photos', '--limit', '1000', '--json');
    listing.child.stdout?.destroy();
    await once(listing.child, 'exit');
    const { code, stderr } = await listing.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('embed', () => {
  it('embeds what has no vector yet', async () => {
    await bench.run('load', photos, '--dataset', 'later', '--no-embed', '--wait');
    const { code, stdout } = await bench.run('embed', 'later', '--wait', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'embed',
      phases: { embedding: { done: 25, failed: 1, total: 26 } },
    });
  });

  it('exits with 3 when there is no such dataset', async () => {
    expect((await bench.run('embed', 'nothing')).code).toBe(3);
  });
});

describe('a folder that changed', () => {
  it('is summed up by what changed', async () => {
    const folder = join(bench.folder, 'changing');
    await makePictures(folder, 4);
    await bench.run('load', folder, '--no-embed', '--wait');
    const [first = '', second = ''] = (await readdir(folder)).sort();
    await rm(join(folder, first));
    await writeFile(join(folder, second), await drawPicture(1000));
    await makePictures(folder, 2, { first: 10 });
    const { stdout } = await bench.run('load', folder, '--no-embed', '--wait', '--json');
    expect(JSON.parse(stdout).phases.indexing.outcomes).toMatchObject({
      added: 2,
      changed: 1,
      unchanged: 2,
      missing: 1,
    });
  });
});

describe('doctor', () => {
  it('says where each setting came from, and that all is well', async () => {
    const { code, stdout } = await bench.start('doctor', '--json').ended;
    expect(code).toBe(0);
    const { healthy, settings, checks } = JSON.parse(stdout);
    expect(healthy).toBe(true);
    expect(settings).toContainEqual({ name: 'Namespace', value: bench.env.TEMPORAL_NAMESPACE, source: 'environment' });
    expect(settings).toContainEqual({ name: 'Device', value: 'cpu', source: 'default' });
    const states = Object.fromEntries(
      checks.map((check: { name: string; state: string }) => [check.name, check.state]),
    );
    expect(states).toMatchObject({
      Node: 'ok',
      MongoDB: 'ok',
      'Replica set': 'ok',
      Temporal: 'ok',
      Namespace: 'ok',
      'Search attributes': 'ok',
      'Indexing workers': 'ok',
      'Embedding workers': 'ok',
      Device: 'ok',
      GPU: 'ok',
      'Model color-gradient-grid': 'ok',
      Cache: 'ok',
      'Program temporal': 'ok',
      'Program mongod': 'ok',
    });
  });

  it.each([
    ['mongodb', 'This MongoDB has no vector search'],
    ['atlas', 'PLIMSOLL_SEARCH is "atlas"; it can be local or mongodb.'],
  ])('says why PLIMSOLL_SEARCH=%s does not work', async (engine, found) => {
    const env = { ...bench.env, PLIMSOLL_SEARCH: engine };
    const { code, stdout } = await runCommand(['doctor', '--json'], { env });
    expect(code).toBe(1);
    const { settings, checks } = JSON.parse(stdout);
    expect(settings).toContainEqual({ name: 'Search', value: engine, source: 'environment' });
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'Vector search', state: 'problem', found: expect.stringContaining(found) }),
    );
  });
});
