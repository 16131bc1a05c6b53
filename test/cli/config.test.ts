import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { settingsFrom } from '../../api/settings.ts';
import { jobDefaults } from '../../cli/config/job-defaults.ts';
import { keyLines } from '../../cli/config/key-lines.ts';
import { readConfig } from '../../cli/config/read-config.ts';
import type { ShownSetting } from '../../cli/config/show-config.ts';
import { TABLES, tablesOf } from '../../cli/config/tables.ts';
import { embedDatasetInput, loadDatasetInput } from '../../contract/inputs.ts';
import { DEFAULT_DECODE_LIMITS } from '../../core/media/images/decode-limits.ts';
import { searchEngine } from '../../core/search/choose-finder.ts';
import { devicesName, settingsFromEnvironment } from '../../inference/settings.ts';
import { bareEnvironment, runCommand } from './command-bench.ts';

let folder: string;
/** Two folders below the project's. */
let below: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'plimsoll-config-')));
  below = join(folder, 'project', 'a', 'b');
  await mkdir(below, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const { PLIMSOLL_CONFIG: _, ...env } = bareEnvironment();

const write = async (text: string, path = join(folder, 'project', 'plimsoll.toml')) => {
  await writeFile(path, text);
  return path;
};

interface Shown {
  file: string | null;
  settings: ShownSetting[];
}

/** Runs `plimsoll config --json` in the deepest folder, and returns its answer. */
async function shown(more: NodeJS.ProcessEnv = {}, ...args: string[]) {
  const run = await runCommand(['config', '--json', ...args], { cwd: below, env: { ...env, ...more } });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const { file, settings } = JSON.parse(run.stdout) as Shown;
  return { file, of: (key: string) => settings.find((setting) => setting.key === key) };
}

/** The fault of a file, without its path. */
async function faultsOf(text: string): Promise<string> {
  const path = await write(text);
  const run = await runCommand(['jobs'], { cwd: below, env });
  expect(run).toMatchObject({ code: 2, stdout: '' });
  return run.stderr.replace(/^error: /, '').replaceAll(`${path}:`, '');
}

describe('the file that holds', () => {
  it('is the first plimsoll.toml in this folder or one above', async () => {
    const path = await write('[load]\nhidden = true\n');
    expect((await shown()).file).toBe(path);
    const nearer = await write('[load]\nhidden = true\n', join(folder, 'project', 'a', 'plimsoll.toml'));
    expect((await shown()).file).toBe(nearer);
    await rm(nearer);
  });

  it('is not a folder of that name', async () => {
    const path = await write('');
    await mkdir(join(below, 'plimsoll.toml'));
    expect((await shown()).file).toBe(path);
    await rm(join(below, 'plimsoll.toml'), { recursive: true });
  });

  it('is the one of --config, else that of PLIMSOLL_CONFIG', async () => {
    const other = await write('[load]\nhidden = true\n', join(folder, 'other.toml'));
    const third = await write('', join(folder, 'third.toml'));
    expect((await shown({ PLIMSOLL_CONFIG: '../../../other.toml' })).file).toBe(other);
    expect((await shown({ PLIMSOLL_CONFIG: other }, '--config', third)).file).toBe(third);
  });

  it('is none with --no-config or an empty PLIMSOLL_CONFIG', async () => {
    await write('this is wrong');
    expect((await shown({}, '--no-config')).file).toBeNull();
    expect((await shown({ PLIMSOLL_CONFIG: '' })).file).toBeNull();
  });

  it('has to be there if it is named', async () => {
    const byOption = await runCommand(['jobs', '--config', 'nope.toml'], { cwd: below, env });
    expect(byOption).toMatchObject({ code: 2, stderr: expect.stringContaining(`--config: there is no file ${below}`) });
    const byVariable = await runCommand(['jobs'], { cwd: below, env: { ...env, PLIMSOLL_CONFIG: 'nope.toml' } });
    expect(byVariable).toMatchObject({ code: 2, stderr: expect.stringContaining('PLIMSOLL_CONFIG: there is no file') });
  });
});

describe('what is wrong with a file', () => {
  it.each([
    ['a syntax error', '[load]\nhidden = maybe', '2:10: this is not TOML: invalid value.'],
    ['a key that is there twice', '[load]\nhidden = true\nhidden = true', '3:1: this is not TOML: trying to redefine'],
    ['a wrong type', '[load]\n\n# why\nhidden = "yes"', '4: load.hidden must be true or false.'],
    ['a time where a text belongs', '[embed]\nmodel = 2026-01-31', '2: embed.model must be a string.'],
    ['a number out of range', '[load]\nmax_failed_percent = 101', '2: load.max_failed_percent must be at most 100.'],
    ['a word that is none of those', '[embed]\nindex = "yes"', '2: embed.index must be one of auto, none, '],
    [
      'a misspelt key',
      '[load]\nexlude = []',
      '2: [load] has no key "exlude". Did you mean exclude? Its keys: media, embed',
    ],
    ['a misspelt key of chunks', '[chunks]\nsiz = 100', '2: [chunks] has no key "siz". Did you mean size?'],
    ['a key of another table', '[load]\ndevice = "cpu"', '2: [load] has no key "device". It belongs in [workers]. '],
    ['a key like nothing', '[api]\nzzzzzzzz = 1', '2: [api] has no key "zzzzzzzz". Its keys: tokens_file, hosts'],
    ['a key that every object has', '[load]\nconstructor = 1', '2: [load] has no key "constructor".'],
    ['a dataset', '[load]\ndataset = "photos"', '2: [load] has no key "dataset".'],
    ['a misspelt table', '\n[serach]\nlimit = 5', '2: there is no table or key "serach" here. Did you mean [search]?'],
    ['a key without its table', 'limit = 5', '1: there is no table or key "limit" here. It belongs in [search].'],
    ['a value for a table', 'load = 3', '1: load must be a table: write [load].'],
    ['a time for a table', 'load = 2026-01-31', '1: load must be a table: write [load].'],
    ['a list of tables for a table', '[[load]]\nhidden = true', '1: load must be a table: write [load].'],
    [
      'a pattern from the current folder',
      '[load]\nexclude = ["./tmp"]',
      '2: load.exclude must hold patterns that count',
    ],
    [
      'a pattern that the contract refuses',
      '[load]\ninclude = ["a", "!b"]',
      '2: load.include.1 must not begin with "!"',
    ],
    ['a device that is none', '[workers]\ndevice = "tpu"', '2: workers.device must be auto, cpu, cuda, cuda:N,'],
    ['auto among others', '[workers]\ndevice = ["auto", "cpu"]', '2: workers.device must be auto, cpu, cuda, cuda:N,'],
    ['a device that is no name', '[workers]\ndevice = [0, 1]', '2: workers.device must be auto, cpu, cuda, cuda:N,'],
    ['an age without a unit', '[workers]\njob_retention = "90"', '2: workers.job_retention must be a time span'],
    [
      'chunks that share more than half',
      '[chunks]\nsize = 100\noverlap = 60',
      '3: chunks.overlap must be half of size',
    ],
    [
      'no folder at all',
      '[workers]\nsource_roots = []',
      '2: workers.source_roots must have an entry; leave the key out',
    ],
    ['two folders in one', '[workers]\nmodels = ["/a:/b"]', '2: workers.models.0 must hold no ":".'],
    ['a server that is not MongoDB', '[servers]\nmongodb_uri = "db.example"', '2: servers.mongodb_uri must begin with'],
  ])('%s is told with its line', async (_, text, message) => {
    expect(await faultsOf(text)).toContain(message);
  });

  it('is told completely, each fault on its line', async () => {
    const faults = await faultsOf(`[embed]
embed_window = { start = "25:00", end = "06:00" }

[[embed.webhooks]]
url = "https://example.com"
[[embed.webhooks]]
url = "ftp://example.com"

[search]
limit = 0
`);
    expect(faults).toBe(`2: embed.embed_window.start must be a time of day from 00:00 to 23:59, as in 22:00.
7: embed.webhooks.1.url must be an http or https URL.
10: search.limit must be at least 1.
`);
  });

  it('is one JSON document with --json', async () => {
    const path = await write('[load]\nhidden = 1');
    const { code, stdout } = await runCommand(['jobs', '--json'], { cwd: below, env });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'InvalidConfig', message: `${path}:2: load.hidden must be true or false.` },
    });
  });

  it('never shows a password', async () => {
    const secret = 'mongodb://me:hunter2@db.example/';
    for (const text of [
      `[servers]\nmongodb_uri = "${secret}`,
      `[servers]\nmongodb_uri = "${secret}"\nx = 1`,
      `[servers]\nmongodb_uri = ["${secret}"]`,
      `mongodb_uri = "${secret}"`,
    ]) {
      expect(await faultsOf(text)).not.toContain('hunter2');
    }
  });

  it('is a file that is not UTF-8', async () => {
    await writeFile(join(folder, 'project', 'plimsoll.toml'), Buffer.from('[load] # caf\xe9', 'latin1'));
    const { code, stderr } = await runCommand(['jobs'], { cwd: below, env });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('it is not UTF-8') });
  });

  it('does not stand in the way of help', async () => {
    await write('this is wrong');
    expect(await runCommand(['load', '--help'], { cwd: below, env })).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the line of a key', () => {
  it('is that of its statement, whatever stands around it', () => {
    const lineOf = keyLines(`# [load]
title = """
[load]
hidden = true
"""
load.hidden = false # hidden = 1

[  "embed"  ]
webhooks = [
  { url = "a" }, # one
  { url = "b" },
]
embed_window.start = '[search]'
[[x.y]]
z = 1
[[x.y]]\r
z = { a = 2 }`);
    expect(
      [
        ['title'],
        ['load', 'hidden'],
        ['embed'],
        ['embed', 'webhooks', 1, 'url'],
        ['embed', 'embed_window', 'start'],
        ['x', 'y', 0, 'z'],
        ['x', 'y', 1],
        ['x', 'y', 1, 'z', 'a'],
        ['search'],
      ].map(lineOf),
    ).toEqual([2, 6, 8, 9, 13, 15, 16, 17, undefined]);
  });
});

describe('what holds', () => {
  it('is the environment before the file, and the file before the default', async () => {
    const path = await write('[workers]\ndevice = "cuda:1"\nbatch_size = 8\n\n[servers]\ndata = "state"\n');
    const { of } = await shown({ PLIMSOLL_DEVICE: 'cuda' });
    expect(of('workers.device')).toMatchObject({ value: 'cuda', source: 'environment', from: 'PLIMSOLL_DEVICE' });
    expect(of('workers.batch_size')).toMatchObject({ value: '8', source: 'file', from: `${path}:3` });
    expect(of('workers.log_level')).toMatchObject({ value: 'warn', source: 'default', from: null });
    expect(of('workers.threads')).toMatchObject({ value: null, source: 'default' });
    expect(of('servers.data')).toMatchObject({ value: join(folder, 'project', 'state'), source: 'file' });
    expect((await shown({}, '--data', 'x')).of('servers.data')).toMatchObject({
      value: 'x',
      source: 'flag',
      from: '--data',
    });
  });

  it('is one device or several, in a string or a list', async () => {
    for (const [written, value] of [
      ['"webgpu"', 'webgpu'],
      ['"cuda:0,cuda:1"', 'cuda:0,cuda:1'],
      ['["cuda:0", "cuda:1"]', 'cuda:0,cuda:1'],
      ['"auto"', 'auto'],
    ]) {
      await write(`[workers]\ndevice = ${written}\n`);
      expect((await shown({})).of('workers.device')).toMatchObject({ value, source: 'file' });
    }
  });

  it('is not the file for a variable that is set to nothing', async () => {
    await write('[workers]\ndevice = "cuda:1"\n');
    expect((await shown({ PLIMSOLL_DEVICE: '' })).of('workers.device')).toMatchObject({
      value: 'cpu',
      source: 'default',
    });
  });

  it("is none of the file's Temporal where the environment names another", async () => {
    await write('[servers]\ntemporal_address = "a:1"\ntemporal_namespace = "mine"\n');
    const own = await shown();
    expect(own.of('servers.temporal_namespace')).toMatchObject({ value: 'mine', source: 'file' });
    for (const other of [{ TEMPORAL_ADDRESS: 'b:1' }, { TEMPORAL_PROFILE: 'cloud' }]) {
      expect((await shown(other)).of('servers.temporal_namespace')).toMatchObject({ value: null, source: 'default' });
    }
  });

  it('is a load, with what [embed] and the switches say of it', async () => {
    const path = await write(`[search]
enable_background_indexing = false
enable_index_building = false
[embed]
model = "clip"
priority = 2
[load]
priority = 4
`);
    const { of } = await shown();
    expect(of('load.embed')).toMatchObject({ value: false, from: `${path}:2` });
    expect(of('load.index')).toMatchObject({ value: 'none', from: `${path}:3` });
    expect(of('load.model')).toMatchObject({ value: 'clip', from: `${path}:5` });
    expect(of('load.priority')).toMatchObject({ value: 4, from: `${path}:8` });
    expect(of('embed.priority')).toMatchObject({ value: 2, from: `${path}:6` });
    expect(of('embed.index')).toMatchObject({ value: 'none', from: `${path}:3` });
  });

  it('masks passwords', async () => {
    await write('[servers]\nmongodb_uri = "mongodb://me:hunter2@db.example/?replicaSet=rs0"\n');
    for (const run of [
      await runCommand(['config'], { cwd: below, env }),
      await runCommand(['config', '--json'], { cwd: below, env }),
      await runCommand(['config', '--no-config'], {
        cwd: below,
        env: { ...env, MONGODB_URI: 'mongodb://me:hunter2@x/' },
      }),
    ]) {
      expect(run.code).toBe(0);
      expect(run.stdout).toContain('mongodb://***@');
      expect(run.stdout).not.toContain('hunter2');
    }
  });

  it('is shown to people by table, with what is not set', async () => {
    await write('[load]\nexclude = ["thumbs"]\n');
    const { stdout } = await runCommand(['config'], { cwd: below, env });
    expect(stdout).toContain(`${join(folder, 'project', 'plimsoll.toml')}\n\n[load]\n`);
    expect(stdout).toMatch(/^ {2}exclude +\["thumbs"\] {2}\(\.\.\/\.\.\/plimsoll\.toml:2\)$/m);
    expect(stdout).toMatch(/^ {2}max_failed_percent +100$/m);
    expect(stdout).toMatch(/^ {2}mongodb_uri +not set$/m);
    expect((await runCommand(['config', '--no-config'], { cwd: below, env })).stdout).toContain('No plimsoll.toml');
  });

  it('is what doctor shows', async () => {
    const path = await write(`[servers]\nmongodb_uri = "${inject('mongodbUri')}"\n[workers]\nbatch_size = 3`);
    const { stdout } = await runCommand(['doctor', '--json'], { cwd: below, env });
    const { settings } = JSON.parse(stdout);
    expect(settings).toContainEqual(expect.objectContaining({ name: 'MongoDB', source: `${path}:2` }));
    expect(settings).toContainEqual({ name: 'Batch size', value: '3', source: `${path}:4` });
  });

  it('is by default what the code does', async () => {
    const api = await settingsFrom({ MONGODB_URI: 'mongodb://x/' });
    expect({
      device: TABLES.workers?.keys.device?.otherwise,
      max_pixels: TABLES.workers?.keys.max_pixels?.otherwise,
      backend: TABLES.search?.keys.backend?.otherwise,
      streams: TABLES.api?.keys.streams?.otherwise,
      thumbnails: (TABLES.api?.keys.thumbnails_mb?.otherwise as number) * 2 ** 20,
    }).toEqual({
      device: devicesName(settingsFromEnvironment({}).devices),
      max_pixels: DEFAULT_DECODE_LIMITS.maxPixels,
      backend: searchEngine({}),
      streams: api.maxStreams,
      thumbnails: api.thumbnailBytes,
    });
  });
});

describe('a path in the file', () => {
  it('counts from the folder of the file', async () => {
    const { values } = await readConfig(
      await write('[workers]\nmodels = ["models", "/abs", "~/m"]\n[embed]\nmodel = "./clip"\n[load]\nmodel = "clip"'),
    );
    expect(values.workers?.models).toEqual([join(folder, 'project', 'models'), '/abs', join(homedir(), 'm')]);
    expect(values.embed?.model).toBe(join(folder, 'project', 'clip'));
    expect(values.load?.model).toBe('clip');
  });
});

describe('docs/configuration.md', () => {
  const page = () => readFile(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

  it('has examples that are right', async () => {
    const tables = [];
    for (const [, example = ''] of (await page()).matchAll(/```toml\n(.*?)```/gs))
      tables.push(Object.keys((await readConfig(await write(example))).values));
    expect(tables).toEqual([
      ['load', 'embed', 'search', 'servers', 'workers'],
      ['load', 'chunks'],
    ]);
  });

  it('names every key, and no other', async () => {
    const keys = new Set(Object.values(TABLES).flatMap(({ keys: ofTable }) => Object.keys(ofTable)));
    const rows = [...(await page()).matchAll(/^\|.*\|$/gm)].map(([row]) => row);
    const named = new Set(
      rows
        .flatMap((row) => [...row.matchAll(/`([a-z][a-z_]+)`/g)].map(([, name = '']) => name))
        .filter((name) => !IN_A_VALUE.includes(name)),
    );
    expect([...named].sort()).toEqual([...keys].sort());
  });
});

/** Words in the tables of the docs that are no keys. */
const IN_A_VALUE = [
  'hybrid',
  'vector',
  'words',
  'true',
  'false',
  'start',
  'end',
  'days',
  'time_zone',
  'local',
  'mongodb',
  'image',
  'text',
  'tokens',
  'characters',
];

describe('an option that the contract gains', () => {
  const tables = tablesOf({ ...loadDatasetInput.shape, depth: z.int().min(1).default(7) }, embedDatasetInput.shape);

  it('is a key of [load], with its default, and is checked by its schema', async () => {
    const { values } = await readConfig(await write('[load]\ndepth = 3\n'), tables);
    expect(jobDefaults(values, 'load')).toEqual({ depth: 3 });
    expect(tables.load?.keys.depth?.otherwise).toBe(7);
    await expect(readConfig(await write('[load]\ndepth = 0'), tables)).rejects.toThrow(
      'plimsoll.toml:2: load.depth must be at least 1.',
    );
  });
});

describe('what the file says of a job', () => {
  it('has [load] over [embed], and that over the switches', () => {
    const values = {
      search: { enable_background_indexing: false, enable_index_building: false },
      embed: { index: 'exact', priority: 2 },
      load: { embed: true, priority: 4 },
    };
    expect(jobDefaults(values, 'load')).toEqual({ embed: true, index: 'exact', priority: 4 });
    expect(jobDefaults(values, 'embed')).toEqual({ index: 'exact', priority: 2 });
  });

  it('has [chunks] as one field of a load', () => {
    const values = { chunks: { size: 100, unit: 'tokens' }, load: { hidden: true } };
    expect(jobDefaults(values, 'load')).toEqual({ hidden: true, chunks: { size: 100, unit: 'tokens' } });
    expect(jobDefaults(values, 'embed')).toEqual({});
  });

  it('says nothing for switches that are on', () => {
    const on = { search: { enable_background_indexing: true, enable_index_building: true } };
    expect(jobDefaults(on, 'load')).toEqual({});
  });
});
