import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { bareEnvironment, type CommandBench, createCommandBench, runCommand, startCommand } from './command-bench.ts';

let bench: CommandBench;
let project: string;
beforeAll(async () => {
  bench = await createCommandBench();
  project = join(await realpath(bench.folder), 'project');
  await makePictures(join(project, 'photos'), 3);
  await makePictures(join(project, 'photos', 'thumbs'), 2, { first: 10 });
  await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding')]);
});
afterAll(() => bench?.stop());

/** The file lies in the project's folder, and commands run in it. The servers' addresses are the file's, too. */
async function write(text: string): Promise<void> {
  const { MONGODB_URI, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = bench.env;
  const servers = `[servers]
mongodb_uri = "${MONGODB_URI}"
temporal_address = "${TEMPORAL_ADDRESS}"
temporal_namespace = "${TEMPORAL_NAMESPACE}"
`;
  await writeFile(join(project, 'plimsoll.toml'), `${text}\n${servers}`);
}

const { PLIMSOLL_CONFIG: _, ...bare } = bareEnvironment();
const run = (...args: string[]) => runCommand(args, { cwd: project, env: bare });

/** Runs a command that prints the status of a job, and gives the job's request. */
async function requestOf(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--wait', '--json');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
}

describe('a load', () => {
  it('takes its options from the file, and its servers', async () => {
    await write(`[search]
enable_index_building = false
[embed]
priority = 2
embed_window = { start = "00:00", end = "23:59", time_zone = "Asia/Tokyo" }
[load]
exclude = ["thumbs"]
embed = false
`);
    const status = await requestOf('load', './photos');
    expect(status).toMatchObject({
      state: 'completed',
      phases: { indexing: { done: 3, outcomes: { added: 3, excluded: 1 } }, embedding: { state: 'skipped' } },
      request: {
        exclude: ['thumbs'],
        embed: false,
        priority: 2,
        index: 'none',
        embed_window: { start: '00:00', end: '23:59', time_zone: 'Asia/Tokyo' },
      },
    });
  });

  it('takes the options of the command line before those of the file', async () => {
    await write('[load]\nexclude = ["thumbs"]\nembed = false\npriority = 2\nmax_failed_percent = 7\n');
    const { request, phases } = await requestOf(
      'load',
      './photos',
      '--embed',
      '--exclude',
      'nothing',
      '--priority',
      '5',
    );
    expect(request).toMatchObject({ exclude: ['nothing'], embed: true, priority: 5, max_failed_percent: 7 });
    expect(phases.embedding).toMatchObject({ state: 'completed', total: 5 });
  });

  it('is on the clocks of --time-zone before those of the file, and of this machine without both', async () => {
    const zoneWith = async (window: string, ...args: string[]) => {
      await write(`[embed]\nembed_window = { start = "00:00", end = "23:59"${window} }\n`);
      return (await requestOf('load', './photos', '--no-embed', ...args)).request.embed_window.time_zone;
    };
    expect(await zoneWith(', time_zone = "Asia/Tokyo"', '--time-zone', 'Europe/Zurich')).toBe('Europe/Zurich');
    expect(await zoneWith('')).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it('of documents is cut as the file says', async () => {
    await mkdir(join(project, 'notes'));
    await writeFile(join(project, 'notes', 'long.txt'), 'Words that fill a chunk. '.repeat(40));
    await write('[load]\nmedia = "text"\n[chunks]\nsize = 100\noverlap = 0\nunit = "characters"\n');
    const { request, phases } = await requestOf('load', './notes', '--no-embed');
    expect(request).toMatchObject({ media: 'text', chunks: { size: 100, overlap: 0, unit: 'characters' } });
    expect(phases.indexing).toMatchObject({ state: 'completed', failed: 0 });
    const { samples } = JSON.parse((await run('samples', 'notes', '--json')).stdout);
    expect(samples.length).toBeGreaterThan(9);
  });

  it('that writes a video takes them, too, but for the files that it writes', async () => {
    await write(
      '[search]\nenable_background_indexing = false\n[chunks]\nsize = 100\noverlap = 0\nunit = "characters"\n',
    );
    const encode = async (...args: string[]) => {
      const { request } = await requestOf('encode', './notes', '--output', 'notes.mp4', '--dataset', 'video', ...args);
      return { embed: request.embed, chunks: request.chunks };
    };
    const chunks = { size: 100, overlap: 0, unit: 'characters' };
    expect(await encode()).toEqual({ embed: false, chunks });
    expect(await encode('--background-index')).toEqual({ embed: true, chunks });
    await write('[load]\nartifact = "all.mp4"\n');
    expect((await run('load', './notes')).stderr).toContain('[load] has no key "artifact"');
  });

  it('says why an option of the embedding has no effect', async () => {
    await write('[search]\nenable_background_indexing = false\n');
    const { code, stderr } = await run('load', './photos', '--index', 'exact');
    expect(code).toBe(2);
    expect(stderr).toContain('--index has no effect: plimsoll.toml turns embedding off. Add --embed');
    expect((await requestOf('load', './photos', '--index', 'exact', '--embed')).request.index).toBe('exact');
  });
});

describe('other jobs', () => {
  it('an embedding takes what [embed] says, and not what [load] says', async () => {
    await write('[embed]\npriority = 2\n[load]\nexclude = ["thumbs"]\nfairness_key = "loads"\nembed = false\n');
    const { request, kind } = await requestOf('embed', 'photos');
    expect(kind).toBe('embed');
    expect(request).toMatchObject({ priority: 2 });
    expect(request).not.toHaveProperty('fairness_key');
  });

  it("a retry keeps its job's options", async () => {
    await write('[embed]\npriority = 1\n');
    await requestOf('embed', 'photos', '--priority', '4');
    expect((await requestOf('retry', 'photos')).request).toMatchObject({ priority: 4 });
  });

  it('a schedule keeps what the file said when it was created', async () => {
    await write('[load]\nexclude = ["thumbs"]\n');
    const { code, stdout } = await run('schedule', 'create', 'nightly', './photos', '--cron', '0 3 * * *', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).request).toMatchObject({ exclude: ['thumbs'] });
    await run('schedule', 'delete', 'nightly');
  });
});

describe('a search', () => {
  it('has the limit of the file, unless it is given one', async () => {
    await write('[search]\nlimit = 2\n');
    const hits = async (...args: string[]) =>
      JSON.parse((await run('search', 'photos', '--sample', '0', '--json', ...args)).stdout).hits.length;
    expect(await hits()).toBe(2);
    expect(await hits('--limit', '1')).toBe(1);
  });

  it('by words has the mode of the file, unless it is given one; another search has none', async () => {
    await write('[search]\nmode = "words"\n');
    const { code, stderr } = await run('search', 'photos', 'a dog');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('mode: ') });
    const other = await run('search', 'photos', 'a dog', '--mode', 'vector');
    expect(other.stderr).not.toContain('mode: ');
    expect((await run('search', 'photos', '--sample', '0')).code).toBe(0);
  });

  it('has the model of the file', async () => {
    await write('[search]\nmodel = "nobody-has-it"\n');
    const { code, stderr } = await run('search', 'photos', '--sample', '0');
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('nobody-has-it') });
  });
});

describe('up', () => {
  it('hands the settings of the file to its workers, and keeps its data where the file says', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'plimsoll-config-up-')));
    await makePictures(join(folder, 'photos'), 2);
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'plimsoll.toml'), '[servers]\ndata = "state"\n[workers]\nmax_pixels = 5\n');
    const ports = ['--temporal-port', '0', '--ui-port', '0', '--mongo-port', '0', '--api-port', '0'];
    const up = startCommand(['up', '--load', '../photos', '--exit', '--json', ...ports], {
      cwd: join(folder, 'below'),
      env: bare,
    });
    const { stdout } = await up.ended;
    const { data_dir, load } = JSON.parse(stdout);
    expect(data_dir).toBe(join(folder, 'state'));
    expect(load.phases.embedding).toMatchObject({ failed: 2, total: 2 });
    await rm(folder, { recursive: true });
  });

  it('is found by the data folder of the file', async () => {
    await writeFile(join(project, 'plimsoll.toml'), '[servers]\ndata = "../elsewhere"\n');
    const { code, stderr } = await run('jobs');
    expect(code).toBe(1);
    expect(stderr).toContain(`No stack runs in ${join(project, '..', 'elsewhere')}`);
  });
});
