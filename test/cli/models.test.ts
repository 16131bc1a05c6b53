import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { modelRoutes } from '../../api/models/models.ts';
import { settingsFrom } from '../../api/settings.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { PACKAGED_MODELS } from '../../core/models/model-folders.ts';
import { type Hub, startHub } from '../local/models/hub.ts';
import { makePictures } from '../support/pictures.ts';
import { bareEnvironment, type CommandBench, createCommandBench, runCommand, startCommand } from './command-bench.ts';
import { hasTerminal, onTerminal } from './on-terminal.ts';

const CLIP = 'Xenova/clip-vit-base-patch32';
const VISION = 'onnx/vision_model.onnx';

let hub: Hub;
let cache: string;
let env: NodeJS.ProcessEnv;

/** The built-in model stands in for CLIP: a graph that runs, and its config. */
beforeAll(async () => {
  const builtIn = (file: string) => readFile(join(PACKAGED_MODELS, 'color-gradient-grid', file));
  hub = await startHub(CLIP, {
    [VISION]: await builtIn('model.onnx'),
    'onnx/text_model.onnx': Buffer.alloc(200_000, 'text'),
    'preprocessor_config.json': await builtIn('preprocessor_config.json'),
    'tokenizer.json': Buffer.from('{}'),
    'tokenizer_config.json': Buffer.from('{}'),
  });
});
afterAll(() => hub[Symbol.asyncDispose]());

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'plimsoll-models-'));
  env = { ...bareEnvironment(), PLIMSOLL_CACHE: cache, HF_ENDPOINT: hub.url, HF_TOKEN: 'hf_secret' };
  hub.intercept = undefined;
  hub.requests.length = 0;
  return () => rm(cache, { recursive: true });
});

const models = (...args: string[]) => runCommand(['models', ...args], { env });
const place = () => join(cache, 'models', 'clip-vit-b32');

describe('models fetch', () => {
  let bench: CommandBench;
  beforeAll(async () => {
    bench = await createCommandBench();
  });
  afterAll(() => bench.stop());

  it('makes a model that a load can name: workers, doctor and the API find it without further settings', async () => {
    // The indexing worker needs no model. In a new cache, it would bundle its workflows again.
    await bench.startWorker('indexing');
    Object.assign(bench.env, { PLIMSOLL_CACHE: cache, HF_ENDPOINT: hub.url });
    await bench.startWorker('embedding');
    const photos = join(bench.folder, 'photos');
    await makePictures(photos, 5);

    const early = await bench.run('load', photos, '--model', 'clip-vit-b32', '--wait');
    expect(early.code).toBe(1);
    expect(early.stdout).toContain('plimsoll models fetch clip-vit-b32');

    const bare = JSON.parse((await bench.run('doctor', '--json')).stdout);
    expect(bare.checks.filter(({ name }: { name: string }) => name.startsWith('Model'))).toEqual([
      expect.objectContaining({ name: 'Model color-gradient-grid', state: 'ok' }),
      expect.objectContaining({ name: 'Model hashed-words', state: 'ok' }),
    ]);

    const fetched = await bench.run('models', 'fetch', 'clip-vit-b32');
    expect(fetched.code).toBe(0);
    const loaded = await bench.run('load', photos, '--model', 'clip-vit-b32', '--wait', '--json');
    expect(loaded.code).toBe(0);
    expect(JSON.parse(loaded.stdout).phases.embedding).toMatchObject({
      state: 'completed',
      done: 5,
      failed: 0,
      model_key: expect.stringMatching(/^clip-vit-b32@[0-9a-f]{12}$/),
    });

    const { checks } = JSON.parse((await bench.run('doctor', '--json')).stdout);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'Model clip-vit-b32', state: 'ok', found: place() }));
    const settings = await settingsFrom({ MONGODB_URI: 'mongodb://unused', PLIMSOLL_CACHE: cache });
    const answer = await modelRoutes({ settings, media: knownMedia() }).request('/api/models');
    expect(await answer.json()).toMatchObject({
      models: [
        { built_in: true, media: ['image', 'text'] },
        { name: 'clip-vit-b32', built_in: false, media: ['image'], dtypes: ['fp32'] },
      ],
    });
  });

  it('says what it fetched and how to use it, and shows its progress, on stderr', async () => {
    const { code, stdout, stderr } = await models('fetch', 'clip-vit-b32');
    expect(code).toBe(0);
    expect(stdout).toBe(`Fetched: clip-vit-b32 at ${hub.sha.slice(0, 12)}, 205 kB, in ${place()}\n`);
    expect(stderr).toMatch(new RegExp(`^${VISION}: [\\d.]+ k?B of 205 kB$`, 'm'));
    expect(stderr).toContain('Load images with it: plimsoll load FOLDER --model clip-vit-b32');
    expect(hub.requests[0]?.headers.authorization).toBe('Bearer hf_secret');
    expect(stdout + stderr).not.toContain('hf_secret');
  });

  it('is one JSON document with --json', async () => {
    const model = {
      name: 'clip-vit-b32',
      fetched: true,
      repository: CLIP,
      revision: hub.sha,
      fetched_at: expect.any(String),
      size_bytes: expect.any(Number),
      path: place(),
      dtypes: ['fp32'],
      embeds: ['images', 'text'],
      dimensions: 512,
      licence: 'MIT',
      good_for: expect.any(String),
    };
    expect(JSON.parse((await models('fetch', 'clip-vit-b32', '--json')).stdout)).toEqual({ model, was_there: false });
    expect(JSON.parse((await models('fetch', 'clip-vit-b32', '--json')).stdout)).toEqual({ model, was_there: true });
  });

  it('twice at once ends well twice, and downloads once', async () => {
    const both = await Promise.all([models('fetch', 'clip-vit-b32'), models('fetch', 'clip-vit-b32')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(hub.contentRequests(VISION).length).toBe(1);
  });

  it('keeps what has come on Ctrl-C, and goes on from there', async () => {
    const text = 'onnx/text_model.onnx';
    hub.intercept = ({ url }, response) => {
      if (!url.includes(`${text}?`)) return false;
      response.writeHead(200, { 'content-length': 200_000 });
      response.write(hub.files[text]?.subarray(0, 50_000));
      return true;
    };
    const fetching = startCommand(['models', 'fetch', 'clip-vit-b32'], { env });
    await fetching.says(`${text}: `);
    fetching.child.kill('SIGINT');
    const { code, stdout, stderr } = await fetching.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('To go on: plimsoll models fetch clip-vit-b32');
    expect(await readdir(join(cache, 'models'))).toEqual(['.fetching']);

    hub.intercept = undefined;
    hub.requests.length = 0;
    expect((await models('fetch', 'clip-vit-b32')).code).toBe(0);
    expect(hub.contentRequests(VISION)).toEqual([]);
    expect(hub.contentRequests(text)[0]?.headers.range).toMatch(/^bytes=\d+-$/);
  });

  it('goes on after a kill, too', async () => {
    hub.intercept = ({ url }, response) => {
      if (!url.includes('onnx/text_model.onnx?')) return false;
      response.writeHead(200, { 'content-length': 200_000 });
      response.write(hub.files['onnx/text_model.onnx']?.subarray(0, 50_000));
      return true;
    };
    const fetching = startCommand(['models', 'fetch', 'clip-vit-b32'], { env });
    await fetching.says('onnx/text_model.onnx: ');
    fetching.child.kill('SIGKILL');
    await fetching.ended;
    hub.intercept = undefined;
    hub.requests.length = 0;
    expect((await models('fetch', 'clip-vit-b32')).code).toBe(0);
    expect(hub.contentRequests(VISION)).toEqual([]);
  });

  it.each([
    ['an unknown name', 3, ['fetch', 'clip'], 'UnknownModel'],
    ['a repository that is not there', 3, ['fetch', 'some-org/nothing'], 'UnknownModel'],
    ['a revision that is none', 2, ['fetch', 'clip-vit-b32', '--revision', 'a..b'], 'InvalidUsage'],
    ['a model to remove that was not fetched', 3, ['remove', 'clip-vit-b32', '--yes'], 'UnknownModel'],
  ])('%s exits with %i', async (_, exitCode, args, errorCode) => {
    const { code, stdout } = await models(...args, '--json');
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout).error.code).toBe(errorCode);
  });

  it('exits with 1 where the hub refuses', async () => {
    hub.intercept = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    const { code, stdout, stderr } = await models('fetch', 'clip-vit-b32');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*answers 401/);
  });
});

describe('models list', () => {
  it('shows what is fetched first, then what can be', async () => {
    const before = await models('list');
    expect(before.code).toBe(0);
    expect(before.stdout).toMatch(/^clip-vit-b32 +- +- +- +512 +images, text +MIT +finding images/m);
    expect(before.stdout).toMatch(/^dinov2-small +- +- +- +384 +images +Apache-2\.0 /m);
    expect(before.stderr).toBe('Fetch one: plimsoll models fetch NAME\n');
    await models('fetch', 'clip-vit-b32');
    const after = await models('list');
    const revision = hub.sha.slice(0, 12);
    expect(after.stdout).toMatch(
      new RegExp(`^NAME.*\nclip-vit-b32 +${revision} +fp32 +205 kB +512 +images, text +MIT `),
    );
    expect(after.stdout.match(/clip-vit-b32/g)).toHaveLength(1);
  });

  it('knows of a repository what its files say', async () => {
    await using other = await startHub('some-org/vision', {
      'model.onnx': Buffer.from('graph'),
      'preprocessor_config.json': Buffer.from('{}'),
    });
    env.HF_ENDPOINT = other.url;
    expect((await models('fetch', 'some-org/vision')).code).toBe(0);
    const { folder, models: listed } = JSON.parse((await models('list', '--json')).stdout);
    expect(folder).toBe(join(cache, 'models'));
    expect(listed[0]).toMatchObject({
      name: 'some-org/vision',
      fetched: true,
      repository: 'some-org/vision',
      embeds: ['images'],
      dimensions: null,
      licence: null,
    });
    expect(listed.slice(1).map(({ name, fetched }: { name: string; fetched: boolean }) => [name, fetched])).toEqual(
      ['clip-vit-b32', 'siglip-base', 'dinov2-small', 'minilm-l6-v2', 'multilingual-e5-small'].map((name) => [
        name,
        false,
      ]),
    );
  });
});

describe('models remove', () => {
  it.runIf(hasTerminal)('asks on a terminal, and takes anything but a yes for a no', async () => {
    await models('fetch', 'clip-vit-b32');
    const no = await onTerminal('\n', ['models', 'remove', 'clip-vit-b32'], { env });
    expect(no.code).toBe(1);
    expect(no.stdout).toContain(`Remove clip-vit-b32, 205 kB, from ${place()}? [y/N]`);
    expect(no.stdout).toContain('Nothing was removed.');
    expect(await readdir(place())).toContain('onnx');
    const yes = await onTerminal('y\n', ['models', 'remove', 'clip-vit-b32'], { env });
    expect(yes.code).toBe(0);
    expect(await readdir(join(cache, 'models'))).toEqual(['.fetching']);
  });

  it('needs --yes where nobody can be asked', async () => {
    await models('fetch', 'clip-vit-b32');
    const unasked = await models('remove', 'clip-vit-b32');
    expect(unasked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('add --yes') });
    expect(await readdir(place())).toContain('onnx');
    expect(await models('remove', 'clip-vit-b32', '--yes')).toMatchObject({
      code: 0,
      stdout: 'Removed: clip-vit-b32.\n',
    });
    expect(await readdir(join(cache, 'models'))).toEqual(['.fetching']);
    expect(await models('remove', 'clip-vit-b32', '--yes')).toMatchObject({ code: 3 });
  });
});

describe('a variant', () => {
  const HALF = 'onnx/vision_model_fp16.onnx';
  beforeEach(() => {
    hub.files[HALF] = Buffer.alloc(3000, 'half');
    return () => {
      delete hub.files[HALF];
    };
  });

  it('is fetched beside what is there, shown, and removed alone', async () => {
    await models('fetch', 'clip-vit-b32');
    const { code, stdout, stderr } = await models('fetch', 'clip-vit-b32', '--dtype', 'fp16');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Fetched: clip-vit-b32:fp16 at /);
    expect(stderr).toContain('plimsoll load FOLDER --model clip-vit-b32 --dtype fp16');
    expect((await models('list')).stdout).toMatch(/^clip-vit-b32 +[0-9a-f]{12} +fp32, fp16 +208 kB /m);
    expect((await models('fetch', 'clip-vit-b32:fp16')).stdout).toMatch(/^Already here: clip-vit-b32:fp16 /);
    const removed = await models('remove', 'clip-vit-b32', '--dtype', 'fp16', '--yes', '--json');
    expect(JSON.parse(removed.stdout)).toEqual({ removed: 'clip-vit-b32:fp16' });
    const { models: listed } = JSON.parse((await models('list', '--json')).stdout);
    expect(listed[0]).toMatchObject({ name: 'clip-vit-b32', fetched: true, dtypes: ['fp32'] });
  });

  it.each([
    ['that the hub does not have', 1, ['fetch', 'clip-vit-b32', '--dtype', 'q4'], 'ModelInvalid'],
    ['that contradicts the name', 2, ['fetch', 'clip-vit-b32:fp16', '--dtype', 'q4'], 'InvalidUsage'],
    ['that there is not', 2, ['fetch', 'clip-vit-b32', '--dtype', 'fp8'], 'InvalidUsage'],
    ['to remove that was not fetched', 3, ['remove', 'clip-vit-b32', '--dtype', 'q4', '--yes'], 'UnknownModel'],
  ])('%s exits with %i', async (_, exitCode, args, errorCode) => {
    const { code, stdout } = await models(...args, '--json');
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout).error.code).toBe(errorCode);
  });
});
