import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imagesMedium } from '../../../core/media/images/medium.ts';
import type { ModelSide } from '../../../core/media/medium.ts';
import { findModel, findSide } from '../../../core/models/find-model.ts';
import { modelFoldersFrom } from '../../../core/models/model-folders.ts';
import { type FetchOptions, type FetchProgress, fetchModel } from '../../../local/models/fetch-model.ts';
import { listFetched, removeFetched, removeVariant } from '../../../local/models/fetched-models.ts';
import { gitSha1, type Hub, type HubRequest, refuse, sha256, startHub, type TreeEntry } from './hub.ts';

const CLIP = 'Xenova/clip-vit-base-patch32';
const VISION = 'onnx/vision_model.onnx';

let folder: string;
let env: NodeJS.ProcessEnv;
let hub: Hub;
let lines: string[];
let pauses: number[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fetch-test-'));
  hub = await startHub(CLIP, {
    [VISION]: randomBytes(300_000),
    'onnx/text_model.onnx': randomBytes(1000),
    'onnx/model_quantized.onnx': randomBytes(1000),
    'tokenizer.json': Buffer.from('{"model": {}}'),
    'tokenizer_config.json': Buffer.from('{"model_max_length": 77}'),
    'preprocessor_config.json': Buffer.from('{"do_resize": true}'),
    'config.json': Buffer.from('{"model_type": "clip"}'),
    'README.md': Buffer.from('# CLIP'),
  });
  env = { PLIMSOLL_CACHE: folder, HF_ENDPOINT: hub.url };
  lines = [];
  pauses = [];
  held = undefined;
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const fetched = (name = 'clip-vit-b32', options: Partial<FetchOptions> = {}) =>
  fetchModel(name, {
    env,
    report: (line) => lines.push(line),
    pause: async (ms) => pauses.push(ms),
    onProgress: ({ received }) => {
      if (received === held?.at) held.response.destroy();
    },
    ...options,
  });

const models = () => join(folder, 'models');
const place = (name = 'clip-vit-b32') => join(models(), name);
const fileOf = (path: string) => readFile(join(place(), path));
const contentOf = (path: string) => hub.files[path] as Buffer;
const visible = async () => (await readdir(models()).catch(() => [])).filter((name) => !name.startsWith('.'));
const leftovers = async () => (await readdir(join(models(), '.fetching')).catch(() => [])) as string[];

/** Answers the next requests for a path in another way: the first answer to the first, and so on. */
function answers(path: string, ...ways: ((response: ServerResponse) => void)[]): void {
  const left = [...ways];
  hub.intercept = ({ url }, response) => {
    if (!url.includes(path) || left.length === 0) return false;
    left.shift()?.(response);
    return true;
  };
}

/** Answers every request in the same way. */
const always =
  (status: number, headersFor: (request: HubRequest) => Record<string, string> = () => ({})): Hub['intercept'] =>
  (request, response) => {
    refuse(response, status, headersFor(request));
    return true;
  };

/** An answer that is broken off once the fetch has seen so many bytes. What the network holds may otherwise be lost. */
let held: { at: number; response: ServerResponse } | undefined;

/** Sends the bytes of a file from where it is asked to, up to another place, and breaks off. */
const breaksOffAt = (at: number) => (response: ServerResponse) => {
  const range = hub.contentRequests(VISION).at(-1)?.headers.range;
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-range': `bytes ${from}-299999/300000`,
    'content-length': 300_000 - from,
  });
  held = { at, response };
  response.write(contentOf(VISION).subarray(from, at));
};

describe('a known model', () => {
  test('has its graphs and small files in its folder, and what the hub stated beside them', async () => {
    const { model, wasThere } = await fetched();
    const graphs = [VISION, 'onnx/text_model.onnx'];
    const wanted = [
      ...graphs,
      ...['tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json', 'config.json'],
    ];
    expect(wasThere).toBe(false);
    expect((await readdir(place(), { recursive: true })).sort()).toEqual(
      ['onnx', 'plimsoll-model.json', ...wanted].sort(),
    );
    for (const path of wanted) expect(Buffer.compare(await fileOf(path), contentOf(path)), path).toBe(0);
    const manifest = JSON.parse(String(await fileOf('plimsoll-model.json')));
    expect(manifest).toEqual({
      repository: CLIP,
      revision: hub.sha,
      fetched_at: expect.any(String),
      files: expect.arrayContaining([
        { path: VISION, size: 300_000, hash: { sha256: sha256(contentOf(VISION)) } },
        { path: 'config.json', size: 22, hash: { git_sha1: gitSha1(contentOf('config.json')) } },
      ]),
    });
    expect(model).toMatchObject({ name: 'clip-vit-b32', revision: hub.sha, folder: place() });
    expect(await leftovers()).toEqual([]);
    // In another encoding, sizes and ranges would not be those of the file.
    for (const { headers } of hub.requests) expect(headers['accept-encoding']).toBe('identity');
  });

  test('is found by name without further settings, below the folders of PLIMSOLL_MODELS', async () => {
    const layout = imagesMedium().models;
    const asked = () => findModel('clip-vit-b32', layout, modelFoldersFrom(env));
    await expect(asked()).rejects.toMatchObject({
      code: 'ModelNotFound',
      message: expect.stringContaining(': plimsoll models fetch clip-vit-b32'),
    });
    await fetched();
    const files = await asked();
    expect(files.graphFile).toBe(join(place(), VISION));
    const textSide = (imagesMedium().text as ModelSide).models;
    expect((await findSide(files, textSide)).graphFile).toBe(join(place(), 'onnx', 'text_model.onnx'));
    const own = join(folder, 'own', 'clip-vit-b32');
    await mkdir(own, { recursive: true });
    for (const file of ['model.onnx', 'preprocessor_config.json']) await writeFile(join(own, file), '');
    env.PLIMSOLL_MODELS = join(folder, 'own');
    expect((await asked()).directory).toBe(own);
  });

  test('that is there needs no hub', async () => {
    await fetched();
    await hub[Symbol.asyncDispose]();
    for (const revision of [undefined, hub.sha])
      expect(await fetched('clip-vit-b32', { revision })).toMatchObject({ wasThere: true });
    hub = await startHub(CLIP, {});
  });

  test('that is there stays at its revision, until another one is named', async () => {
    await fetched();
    const before = hub.sha;
    hub.sha = 'b'.repeat(40);
    hub.files = { ...hub.files, [VISION]: randomBytes(500) };
    expect(await fetched()).toMatchObject({ wasThere: true, model: { revision: before } });
    expect(await fetched('clip-vit-b32', { revision: 'main' })).toMatchObject({
      wasThere: false,
      model: { revision: hub.sha },
    });
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
    expect(await fetched('clip-vit-b32', { revision: 'main' })).toMatchObject({ wasThere: true });
    expect(await leftovers()).toEqual([]);
  });

  test('takes the place of another revision, whatever a crash left there', async () => {
    await fetched();
    const staging = join(models(), '.fetching', 'clip-vit-b32');
    for (const left of ['replaced', 'model']) {
      await mkdir(join(staging, left), { recursive: true });
      await writeFile(join(staging, left, 'stale'), '');
    }
    hub.sha = 'e'.repeat(40);
    expect((await fetched('clip-vit-b32', { revision: 'main' })).model.revision).toBe(hub.sha);
    expect(await readdir(place())).not.toContain('stale');
    expect(await leftovers()).toEqual([]);
  });

  test('is asked for at the revision that is named', async () => {
    await fetched('clip-vit-b32', { revision: 'refs/pr/1' });
    expect(hub.requests[0]?.url).toBe(`/api/models/${CLIP}/revision/refs%2Fpr%2F1`);
  });

  test('that is damaged is fetched again, at its revision', async () => {
    await fetched();
    await truncate(join(place(), VISION), 100);
    hub.requests.length = 0;
    expect(await fetched()).toMatchObject({ wasThere: false });
    expect(hub.requests[0]?.url).toContain(`/revision/${hub.sha}`);
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
  });

  test('may have files of equal content, and an empty one', async () => {
    hub.files['onnx/text_model.onnx'] = contentOf(VISION);
    hub.files['tokenizer.json'] = Buffer.alloc(0);
    await fetched();
    expect(Buffer.compare(await fileOf('onnx/text_model.onnx'), contentOf(VISION))).toBe(0);
    expect((await fileOf('tokenizer.json')).length).toBe(0);
  });

  test('that lacks a file is refused with the name of the file', async () => {
    delete hub.files['onnx/text_model.onnx'];
    await expect(fetched()).rejects.toMatchObject({
      code: 'ModelInvalid',
      message: `Model "clip-vit-b32": the repository ${CLIP} has no onnx/text_model.onnx.`,
    });
    expect(await visible()).toEqual([]);
  });

  test('reports how far it is, to the last byte', async () => {
    const seen: FetchProgress[] = [];
    const { model } = await fetched('clip-vit-b32', { onProgress: (progress) => seen.push(progress) });
    const total = model.sizeBytes;
    expect(seen.at(-1)).toEqual({ file: 'config.json', received: total, downloaded: total, total });
    const received = seen.map((progress) => progress.received);
    expect(received).toEqual([...received].sort((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(5);
  });
});

describe('a repository of the hub', () => {
  const NAME = 'some-org/some-model';
  const open = async (files: Record<string, Buffer>) => {
    await hub[Symbol.asyncDispose]();
    hub = await startHub(NAME, files);
    env.HF_ENDPOINT = hub.url;
  };
  const some = Buffer.from('some');
  const gotten = async () => (await fetched(NAME)).model.files.map(({ path }) => path).sort();

  test.each([
    ['both parts of a model of two', ['onnx/vision_model.onnx', 'onnx/text_model.onnx'], ['onnx/model.onnx']],
    ['the only part that there is', ['onnx/vision_model.onnx'], ['onnx/model.onnx', 'onnx/model_fp16.onnx']],
    [
      'the only graph, with its weights',
      ['onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model.onnx_data_1'],
      ['model.onnx', 'onnx/model.onnx.txt', 'onnx/model.onnx_data.md'],
    ],
    ['graphs outside the folder onnx', ['model.onnx', 'model.onnx.data'], ['pytorch_model.bin']],
  ])('gives %s', async (_, wanted, others) => {
    const files = ['preprocessor_config.json', ...wanted];
    await open(Object.fromEntries([...files, ...others].map((path) => [path, some])));
    expect(await gotten()).toEqual(files.sort());
    expect(await visible()).toEqual(['some-org']);
    expect(await listFetched(env)).toMatchObject([{ name: NAME, folder: place(NAME) }]);
  });

  test('gives what a model of text needs', async () => {
    const files = ['onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json', '1_Pooling/config.json'];
    await open(Object.fromEntries([...files, 'vocab.txt'].map((path) => [path, some])));
    expect(await gotten()).toEqual(files.sort());
  });

  test('without a graph is refused', async () => {
    await open({ 'preprocessor_config.json': some, 'model.safetensors': some });
    await expect(fetched(NAME)).rejects.toMatchObject({
      code: 'ModelInvalid',
      message: expect.stringMatching(/no ONNX graph/),
    });
  });

  test('that says nothing about images or text is refused', async () => {
    await open({ 'onnx/model.onnx': some });
    await expect(fetched(NAME)).rejects.toMatchObject({
      code: 'ModelInvalid',
      message: expect.stringContaining('no preprocessor_config.json and no tokenizer.json'),
    });
  });

  test('with a listing of several pages is read to its end', async () => {
    await open({ 'preprocessor_config.json': some, 'onnx/model.onnx': some });
    hub.pageSize = 1;
    expect(await gotten()).toEqual(['onnx/model.onnx', 'preprocessor_config.json']);
    expect(hub.requests.filter(({ url }) => url.includes('/tree/')).length).toBe(3);
  });
});

describe('a token', () => {
  test('goes to the hub, and not with a redirect to another origin', async () => {
    env.HF_TOKEN = 'hf_secret';
    await fetched();
    const at = (server: string) => hub.requests.filter((request) => request.server === server);
    expect(at('hub').map(({ headers }) => headers.authorization)).toEqual(at('hub').map(() => 'Bearer hf_secret'));
    expect(at('cdn').length).toBe(3);
    expect(at('cdn').filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  test('goes with a redirect on the hub itself, as that of a repository that was renamed', async () => {
    env.HF_TOKEN = 'hf_secret';
    answers('/revision/', (response) => refuse(response, 307, { location: `/api/models/${CLIP}/revision/renamed` }));
    await fetched();
    const [, redirected] = hub.requests;
    expect(redirected).toMatchObject({ headers: { authorization: 'Bearer hf_secret' } });
    expect(redirected?.url).toContain('/revision/renamed');
  });

  test('is not needed', async () => {
    await fetched();
    expect(hub.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  test('that no header can hold is refused, and not shown', async () => {
    env.HF_TOKEN = 'hf_\u00fcber secret';
    const error = await fetched().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'InvalidSetting', message: expect.stringContaining('HF_TOKEN') });
    expect((error as Error).message).not.toContain('secret');
    expect(hub.requests).toEqual([]);
  });

  test('is in no line and in no error, and neither is the signature of an address', async () => {
    env.HF_TOKEN = 'hf_secret';
    hub.intercept = ({ server }, response) => {
      if (server === 'cdn') refuse(response, 500);
      return server === 'cdn';
    };
    const error = await fetched().catch((reason: unknown) => reason);
    const said = [...lines, (error as Error).message].join('\n');
    expect(said).toContain(`${hub.cdnUrl}/${VISION}`);
    expect(said).not.toMatch(/secret/);
  });
});

describe('a download that breaks off', () => {
  test('goes on where it was', async () => {
    answers(`${VISION}?`, breaksOffAt(100_000));
    await fetched();
    const [first, second, ...more] = hub.contentRequests(VISION).map(({ headers }) => headers.range);
    expect(more).toEqual([]);
    expect(first).toBeUndefined();
    expect(second).toBe('bytes=100000-');
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/broke off .*; trying again in 1 s$/)]);
    expect(pauses).toEqual([1000]);
  });

  test('starts anew on a server without ranges', async () => {
    hub.ranges = false;
    answers(`${VISION}?`, breaksOffAt(100_000));
    await fetched();
    expect(hub.contentRequests(VISION)[1]?.headers.range).toBe('bytes=100000-');
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
  });

  test('starts anew where the server gives another range than was asked for', async () => {
    answers(`${VISION}?`, breaksOffAt(100_000), (response) => {
      response.writeHead(206, { 'content-range': 'bytes 5-299999/300000' });
      response.end(contentOf(VISION).subarray(5));
    });
    await fetched();
    expect(hub.contentRequests(VISION)[2]?.headers.range).toBeUndefined();
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
  });

  test('starts anew where the server has no such range', async () => {
    answers(`${VISION}?`, breaksOffAt(100_000), (response) => refuse(response, 416));
    await fetched();
    expect(hub.contentRequests(VISION)[2]?.headers.range).toBeUndefined();
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
  });

  test('may break off often, as long as something comes', async () => {
    answers(`${VISION}?`, ...Array.from({ length: 8 }, (_, n) => breaksOffAt((n + 1) * 1000)));
    await fetched();
    expect(pauses).toEqual(Array.from({ length: 8 }, () => 1000));
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
  });

  test('in an answer that ends too early goes on', async () => {
    answers(`${VISION}?`, (response) => response.end(contentOf(VISION).subarray(0, 5000)));
    await fetched();
    expect(hub.contentRequests(VISION)[1]?.headers.range).toBe('bytes=5000-');
  });

  test('is resumed by a later fetch, after Ctrl-C', async () => {
    const interrupt = new AbortController();
    let stalled: () => void = () => {};
    const isStalled = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    hub.intercept = ({ url }, response) => {
      if (!url.includes(`${VISION}?`)) return false;
      response.writeHead(200, { 'content-length': 300_000 });
      response.write(contentOf(VISION).subarray(0, 100_000));
      return true;
    };
    const onProgress: FetchOptions['onProgress'] = ({ received }) => received === 100_000 && stalled();
    const first = fetched('clip-vit-b32', { signal: interrupt.signal, onProgress });
    const ended = expect(first).rejects.toThrow('Ctrl-C');
    await isStalled;
    expect(await visible()).toEqual([]);
    interrupt.abort(new Error('Ctrl-C'));
    await ended;
    expect(await visible()).toEqual([]);
    expect(lines).toEqual([]);

    hub.intercept = undefined;
    hub.requests.length = 0;
    let last: FetchProgress | undefined;
    const { model } = await fetched('clip-vit-b32', {
      onProgress: (progress) => {
        last = progress;
      },
    });
    expect(last).toMatchObject({ received: model.sizeBytes, downloaded: model.sizeBytes - 100_000 });
    expect(hub.contentRequests(VISION).map(({ headers }) => headers.range)).toEqual(['bytes=100000-']);
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
  });

  /** Leaves a part of a file, as a crash may. */
  async function leave(content: Buffer): Promise<void> {
    const staging = join(models(), '.fetching', 'clip-vit-b32');
    await mkdir(staging, { recursive: true });
    await writeFile(join(staging, `onnx--vision_model.onnx.${sha256(contentOf(VISION))}`), content);
  }

  test('needs no request if all of it had come', async () => {
    await leave(contentOf(VISION));
    await fetched();
    expect(hub.contentRequests(VISION)).toEqual([]);
  });

  test.each([
    ['other bytes', Buffer.alloc(5000)],
    ['as many other bytes', Buffer.alloc(300_000)],
    ['more bytes', Buffer.alloc(300_001)],
  ])('and whose part has %s is downloaded anew', async (_, content) => {
    await leave(content);
    await fetched();
    expect(hub.contentRequests(VISION).at(-1)?.headers.range).toBeUndefined();
    expect(Buffer.compare(await fileOf(VISION), contentOf(VISION))).toBe(0);
    expect(lines).toEqual([]);
  });
});

describe('two at once', () => {
  test('download once, and both end well', async () => {
    const both = await Promise.all([fetched(), fetched()]);
    expect(both.map(({ wasThere }) => wasThere).sort()).toEqual([false, true]);
    expect(hub.contentRequests(VISION).length).toBe(1);
    expect(lines).toEqual([`clip-vit-b32: process ${process.pid} is fetching it already; waiting for that`]);
  });

  test('take over from a process that died', async () => {
    await mkdir(join(models(), '.fetching'), { recursive: true });
    const lock = { pid: process.pid, startTime: 'long ago' };
    await writeFile(join(models(), '.fetching', 'clip-vit-b32.lock'), JSON.stringify(lock));
    expect((await fetched()).wasThere).toBe(false);
  });
});

describe('a hub that states one thing and gives another', () => {
  const refused = async (change: Partial<FetchOptions> = {}) => {
    const error = await fetched('clip-vit-b32', change).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HubAnswerInvalid' });
    expect(await visible()).toEqual([]);
    return (error as Error).message;
  };

  test.each([VISION, 'config.json'])(
    'is refused if the hash of %s is wrong, and nothing of it is kept',
    async (path) => {
      const right = contentOf(path);
      hub.editTree = (tree) => {
        hub.files[path] = Buffer.alloc(right.length, 'x');
        return tree;
      };
      expect(await refused()).toContain(`${path} does not have the hash`);
      const staging = join(models(), '.fetching', 'clip-vit-b32');
      const part = (await readdir(staging)).find((name) => name.startsWith(path.replace('/', '--'))) as string;
      expect((await readFile(join(staging, part))).length).toBe(0);
      // The hub is mended.
      hub.editTree = (tree) => tree;
      hub.files[path] = right;
      await fetched();
      expect(Buffer.compare(await fileOf(path), right)).toBe(0);
    },
  );

  test('is refused if a file is larger, without waiting for its end', async () => {
    let ended = false;
    answers(`${VISION}?`, (response) => {
      response.on('close', () => {
        ended = true;
      });
      const more = () => !ended && response.write(Buffer.alloc(64 * 1024), () => setImmediate(more));
      more();
    });
    expect(await refused()).toContain(`${VISION} is larger than the 300000 bytes`);
    await expect.poll(() => ended).toBe(true);
  });

  test('is refused if its listing does not end', async () => {
    let ended = false;
    answers('/tree/', (response) => {
      response.on('close', () => {
        ended = true;
      });
      const more = () => !ended && response.write(Buffer.alloc(1024 * 1024, ' '), () => setImmediate(more));
      more();
    });
    expect(await refused()).toContain('is larger than 16777216 bytes');
    await expect.poll(() => ended).toBe(true);
  });

  test('is refused if its listing has pages without end', async () => {
    hub.intercept = ({ url }, response) => {
      if (!url.includes('/tree/')) return false;
      response.writeHead(200, { link: `<${hub.url}${url}>; rel="next"` });
      response.end('[]');
      return true;
    };
    expect(await refused()).toContain('has more than 50 pages');
  });

  test.each(['../outside.onnx', '/etc/passwd', 'onnx/../../x', 'onnx//x', 'a\\..\\b', 'C:x', 'onnx/./x', 'x\n'])(
    'is refused if its listing names %j',
    async (path) => {
      hub.editTree = (tree) => [...tree, { ...(tree.find((entry) => entry.type === 'file') as TreeEntry), path }];
      expect(await refused()).toContain(`names the file ${JSON.stringify(path)}`);
      expect(hub.requests.filter(({ url }) => url.includes('/resolve/'))).toEqual([]);
    },
  );

  test.each([
    ['a page for people', '<html>'],
    ['another object', '{"sha": "main"}'],
    ['nothing', ''],
  ])('is refused if it answers with %s', async (_, body) => {
    answers('/revision/', (response) => response.end(body));
    expect(await refused()).toContain("is not in the form of a hub's");
  });

  test.each([
    ['a hash that is none', { oid: 'f00' }],
    ['a negative size', { size: -1 }],
    ['a hash of a large file that is none', { lfs: { oid: 'f00', size: 5, pointerSize: 1 } }],
  ])('is refused if its listing has %s', async (_, change) => {
    hub.editTree = (tree) => tree.map((entry) => (entry.type === 'file' ? { ...entry, ...change } : entry));
    expect(await refused()).toContain("is not in the form of a hub's");
  });

  test('is refused if it redirects in a circle', async () => {
    hub.intercept = always(302, ({ url }) => ({ location: url }));
    expect(await refused()).toContain('redirects again and again');
    expect(hub.requests.length).toBe(6);
  });

  test.each(['file:///etc/passwd', 'http://'])('is refused if it redirects to %s', async (location) => {
    answers(`${VISION}?`, (response) => refuse(response, 302, { location }));
    expect(await refused()).toContain('redirects to what is no address');
  });
});

describe('a hub that refuses', () => {
  const refused = async () => {
    const error = await fetched().catch((reason: unknown) => reason);
    expect(await visible()).toEqual([]);
    const { code, message } = error as Error & { code: string };
    return `${code}: ${message}`;
  };

  test.each([401, 403])('with %i is asked once, and the error says what may help', async (status) => {
    hub.intercept = always(status);
    expect(await refused()).toMatch(new RegExp(`^HubRefused: .* answers ${status}: .*Set HF_TOKEN`));
    env.HF_TOKEN = 'hf_secret';
    expect(await refused()).toMatch(/HF_TOKEN does not suffice/);
    expect(hub.requests.length).toBe(2);
  });

  test('since there is no such repository says so, with 401 too', async () => {
    answers('/revision/', (response) => refuse(response, 401, { 'x-error-code': 'RepoNotFound' }));
    expect(await refused()).toMatch(/^UnknownModel: .*no such repository.*Set HF_TOKEN/);
  });

  test.each(['/revision/', '/tree/', VISION])('with 404 for %s is asked once', async (path) => {
    answers(path, (response) => refuse(response, 404));
    expect(await refused()).toMatch(/^UnknownModel: .* answers 404/);
    expect(lines).toEqual([]);
  });

  test('with another status is no hub', async () => {
    answers('/revision/', (response) => refuse(response, 418));
    expect(await refused()).toMatch(/^HubAnswerInvalid: .* answers 418.*HF_ENDPOINT/);
  });
});

describe('a hub that fails', () => {
  test.each([500, 502, 503, 429, 408])('with %i is asked again, after longer and longer pauses', async (status) => {
    const fails = (response: ServerResponse) => refuse(response, status);
    answers('/revision/', fails, fails, fails);
    await fetched();
    expect(pauses).toEqual([1000, 2000, 4000]);
    expect(lines[2]).toMatch(new RegExp(` answers ${status}; trying again in 4 s$`));
  });

  test('is asked again when it says, in seconds', async () => {
    answers(VISION, (response) => refuse(response, 429, { 'retry-after': '17' }));
    await fetched();
    expect(pauses).toEqual([17_000]);
  });

  test('is asked again when it says, at a time', async () => {
    const time = new Date(Date.now() + 40_000).toUTCString();
    answers(VISION, (response) => refuse(response, 503, { 'retry-after': time }));
    await fetched();
    expect(pauses).toEqual([expect.any(Number)]);
    expect(pauses[0]).toBeGreaterThan(1000);
    expect(pauses[0]).toBeLessThanOrEqual(40_000);
  });

  test('is not asked again if it asks for a long pause', async () => {
    answers('/revision/', (response) => refuse(response, 429, { 'retry-after': '300' }));
    await expect(fetched()).rejects.toMatchObject({
      code: 'HubUnreachable',
      message: expect.stringMatching(/answers 429\. It asks to wait 300 s\./),
    });
    expect(pauses).toEqual([]);
  });

  test.each([
    ['/revision/', 500],
    [`${VISION}?`, 416],
  ])('for %s with %i is listened to no longer', async (path, status) => {
    let ended = false;
    answers(path, (response) => {
      response.on('close', () => {
        ended = true;
      });
      response.writeHead(status);
      const more = () => !ended && response.write(Buffer.alloc(64 * 1024), () => setImmediate(more));
      more();
    });
    await fetched('clip-vit-b32', { pause: () => expect.poll(() => ended).toBe(true) });
    expect(ended).toBe(true);
  });

  test('four times in a row is unreachable', async () => {
    hub.intercept = always(500);
    await expect(fetched()).rejects.toMatchObject({ code: 'HubUnreachable' });
    expect(hub.requests.length).toBe(4);
  });

  test('can be left while it is waited for', async () => {
    const interrupt = new AbortController();
    hub.intercept = always(429, () => ({ 'retry-after': '50' }));
    const waited = fetchModel('clip-vit-b32', {
      env,
      signal: interrupt.signal,
      report: () => interrupt.abort(new Error('Ctrl-C')),
    });
    await expect(waited).rejects.toThrow('Ctrl-C');
  });
});

describe('a hub that can not be reached', () => {
  const message = async (name: string) => {
    const error = await fetched(name).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HubUnreachable' });
    return (error as Error).message;
  };
  const unused = async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return `http://127.0.0.1:${port}`;
  };

  test('is named, with the files of a known model and where to put them', async () => {
    env.HF_ENDPOINT = await unused();
    const said = await message('clip-vit-b32');
    expect(said).toContain(`could not be fetched from ${env.HF_ENDPOINT}: `);
    expect(said).toContain('does not answer (ECONNREFUSED)');
    expect(said).toContain('HF_ENDPOINT');
    expect(said).toContain(
      `bring these files of its repository ${CLIP} to ${place()}:\n  ${VISION}\n  onnx/text_model.onnx`,
    );
  });

  test('is named, with what a repository needs', async () => {
    env.HF_ENDPOINT = await unused();
    const said = await message('some-org/some-model');
    expect(said).toContain(`to ${place('some-org/some-model')}:\n  onnx/model.onnx`);
    expect(said).toContain('preprocessor_config.json for images');
  });

  test('is not the end: files that were brought are found, and left alone', async () => {
    await mkdir(join(place(), 'onnx'), { recursive: true });
    for (const file of [VISION, 'preprocessor_config.json']) await writeFile(join(place(), file), 'brought');
    expect((await findModel('clip-vit-b32', imagesMedium().models, modelFoldersFrom(env))).directory).toBe(place());
    const error = { code: 'ModelNotFetched', message: expect.stringContaining(place()) };
    await expect(fetched()).rejects.toMatchObject(error);
    await expect(removed()).rejects.toMatchObject(error);
    expect(String(await fileOf(VISION))).toBe('brought');
    expect(await listFetched(env)).toEqual([]);
  });
});

describe('settings', () => {
  test.each([
    'huggingface.co',
    'ftp://hub.example',
    'http://hub.example/?x',
    'http://hub.example/#x',
    'http://me:pw@hub.example',
  ])('HF_ENDPOINT=%s is refused', async (endpoint) => {
    env.HF_ENDPOINT = endpoint;
    await expect(fetched()).rejects.toMatchObject({
      code: 'InvalidSetting',
      message: expect.stringContaining('HF_ENDPOINT'),
    });
  });

  test('HF_ENDPOINT may have a path, and a slash at its end', async () => {
    env.HF_ENDPOINT = `${hub.url}/mirror/`;
    await expect(fetched()).rejects.toMatchObject({ code: 'UnknownModel' });
    expect(hub.requests[0]?.url).toBe(`/mirror/api/models/${CLIP}/revision/main`);
  });

  test('a proxy is used, but for what NO_PROXY names', async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', ({ url }, socket) => {
      asked.push(url ?? '');
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    proxy.on('request', ({ url }, response) => {
      asked.push(url ?? '');
      refuse(response, 502);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    await expect(fetched()).rejects.toMatchObject({ code: 'HubUnreachable' });
    expect(asked[0]).toContain(new URL(hub.url).host);
    expect(hub.requests).toEqual([]);
    env.NO_PROXY = '127.0.0.1';
    await fetched();
    proxy.closeAllConnections();
    proxy.close();
  });

  test('a proxy that is none is named', async () => {
    env.HTTPS_PROXY = 'nowhere at all';
    await expect(fetched()).rejects.toMatchObject({
      code: 'InvalidSetting',
      message: expect.stringContaining('HTTPS_PROXY'),
    });
  });

  test.each(['unknown', '../x', 'a/b/c', 'org/../x', '.fetching/x', ''])('the name %j is not known', async (name) => {
    await expect(fetched(name)).rejects.toMatchObject({
      code: 'UnknownModel',
      message: expect.stringContaining('Name one of clip-vit-b32, '),
    });
    expect(hub.requests).toEqual([]);
  });
});

describe('a disk', () => {
  test('that is full is named, and what has come is kept', async () => {
    // A device on which every write fails with ENOSPC.
    const staging = join(models(), '.fetching', 'clip-vit-b32');
    await mkdir(staging, { recursive: true });
    await symlink('/dev/full', join(staging, `onnx--text_model.onnx.${sha256(contentOf('onnx/text_model.onnx'))}`));
    await expect(fetched()).rejects.toMatchObject({ code: 'DiskFull', message: expect.stringContaining(place()) });
    expect(await visible()).toEqual([]);
    hub.requests.length = 0;
    await rm(join(staging, `onnx--text_model.onnx.${sha256(contentOf('onnx/text_model.onnx'))}`));
    await fetched();
    expect(hub.contentRequests(VISION)).toEqual([]);
  });

  test('without room for all of it is told before anything is downloaded', async () => {
    hub.editTree = (tree) =>
      tree.map((entry) =>
        entry.path === VISION ? { ...entry, lfs: { oid: 'c'.repeat(64), size: 5e15, pointerSize: 1 } } : entry,
      );
    await expect(fetched()).rejects.toMatchObject({
      code: 'DiskFull',
      message: expect.stringMatching(/^clip-vit-b32 needs 5000 TB in .* are free/),
    });
    expect(hub.requests.filter(({ url }) => url.includes('/resolve/'))).toEqual([]);
  });

  test('that can not hold the folder is named', async () => {
    env.PLIMSOLL_CACHE = join(folder, 'file');
    await writeFile(env.PLIMSOLL_CACHE, '');
    await expect(fetched()).rejects.toMatchObject({
      code: 'InvalidSetting',
      message: expect.stringMatching(/file.models.clip-vit-b32 can't be written to \(ENOTDIR\)\..*PLIMSOLL_CACHE/),
    });
  });

  // Root may write everywhere.
  test.skipIf(process.getuid?.() === 0)('that can not be written to is named', async () => {
    await chmod(folder, 0o500);
    await expect(fetched()).rejects.toMatchObject({
      code: 'InvalidSetting',
      message: expect.stringContaining('PLIMSOLL_CACHE'),
    });
    await chmod(folder, 0o700);
  });
});

const removed = (name = 'clip-vit-b32') =>
  removeFetched(env, name, { onWait: (pid) => lines.push(`waiting for ${pid}`), signal: undefined });

describe('removing', () => {
  test('takes a fetched model away, and what an unfinished download left', async () => {
    await fetched();
    const staging = join(models(), '.fetching', 'clip-vit-b32');
    await mkdir(staging, { recursive: true });
    await writeFile(join(staging, 'part'), '');
    expect(await removed()).toMatchObject({ name: 'clip-vit-b32', folder: place() });
    expect(await visible()).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  test('takes an empty folder of an organisation away, and no other', async () => {
    await hub[Symbol.asyncDispose]();
    const files = { 'model.onnx': Buffer.from('x'), 'preprocessor_config.json': Buffer.from('{}') };
    for (const name of ['org/one', 'org/two']) {
      await using other = await startHub(name, files);
      env.HF_ENDPOINT = other.url;
      await fetched(name);
    }
    await removed('org/one');
    expect((await listFetched(env)).map(({ name }) => name)).toEqual(['org/two']);
    await removed('org/two');
    expect(await visible()).toEqual([]);
    hub = await startHub(CLIP, {});
  });

  test.each(['clip-vit-b32', '../outside', '.fetching', ''])('refuses %j, which was not fetched', async (name) => {
    await mkdir(join(folder, 'outside'));
    await expect(removed(name)).rejects.toMatchObject({ code: 'UnknownModel' });
    expect(await readdir(folder)).toContain('outside');
  });

  test('waits for a fetch that is under way', async () => {
    await fetched();
    hub.sha = 'd'.repeat(40);
    const waiting = new Promise<void>((resolve) => {
      hub.intercept = () => {
        resolve();
        hub.intercept = undefined;
        return false;
      };
    });
    const again = fetched('clip-vit-b32', { revision: 'main' });
    await waiting;
    const [, gone] = await Promise.all([again, removed()]);
    expect(gone.revision).toBe('d'.repeat(40));
    expect(lines).toEqual([`waiting for ${process.pid}`]);
    expect(await visible()).toEqual([]);
  });
});

describe('a variant of a model', () => {
  const HALF = 'onnx/vision_model_fp16.onnx';
  const HALF_TEXT = 'onnx/text_model_fp16.onnx';
  const waiting = { onWait: () => {}, signal: undefined };
  beforeEach(() => {
    hub.files[HALF] = randomBytes(5000);
    hub.files[`${HALF}_data`] = randomBytes(7000);
    hub.files[HALF_TEXT] = randomBytes(600);
    hub.files['onnx/vision_model_quantized.onnx'] = randomBytes(400);
  });

  const graphs = async () => (await readdir(join(place(), 'onnx'))).sort();
  const recorded = async () => {
    const { files } = JSON.parse(String(await fileOf('plimsoll-model.json'))) as { files: { path: string }[] };
    return files.map(({ path }) => path).sort();
  };
  const inodeOf = async (path: string) => {
    const { ino, mtimeNs } = await stat(join(place(), path), { bigint: true });
    return [ino, mtimeNs];
  };
  /** Each file has the hash that the record states. */
  async function expectRightRecord(): Promise<void> {
    const there = (await readdir(place(), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(await recorded()).toHaveLength(there.length - 1);
    const { files } = JSON.parse(String(await fileOf('plimsoll-model.json')));
    for (const { path, size, hash } of files) {
      const bytes = await fileOf(path);
      expect(bytes.length, path).toBe(size);
      expect('sha256' in hash ? sha256(bytes) : gitSha1(bytes), path).toBe(hash.sha256 ?? hash.git_sha1);
    }
  }

  test('is fetched alone if nothing is there, with its weights, and found by its name', async () => {
    const { model, wasThere } = await fetched('clip-vit-b32', { dtype: 'fp16' });
    expect({ wasThere, dtypes: model.dtypes }).toEqual({ wasThere: false, dtypes: ['fp16'] });
    expect(await graphs()).toEqual(['text_model_fp16.onnx', 'vision_model_fp16.onnx', 'vision_model_fp16.onnx_data']);
    await expectRightRecord();
    const { models: layout, text } = imagesMedium();
    const found = await findModel('clip-vit-b32:fp16', layout, modelFoldersFrom(env));
    expect(found.graphFile).toBe(join(place(), HALF));
    expect((await findSide(found, (text as ModelSide).models)).graphFile).toBe(join(place(), HALF_TEXT));
    expect((await fetched('clip-vit-b32', { dtype: 'fp16' })).wasThere).toBe(true);
    expect((await fetched('clip-vit-b32')).wasThere).toBe(true);
  });

  test('is added to a model in use without touching its files, at its revision', async () => {
    await fetched();
    const before = await Promise.all([VISION, 'preprocessor_config.json', 'tokenizer.json'].map(inodeOf));
    const { model, wasThere } = await fetched('clip-vit-b32', { dtype: 'fp16' });
    expect({ wasThere, dtypes: model.dtypes, revision: model.revision }).toEqual({
      wasThere: false,
      dtypes: ['fp32', 'fp16'],
      revision: hub.sha,
    });
    expect(await Promise.all([VISION, 'preprocessor_config.json', 'tokenizer.json'].map(inodeOf))).toEqual(before);
    expect(hub.contentRequests(VISION)).toHaveLength(1);
    await expectRightRecord();
    expect(await leftovers()).toEqual([]);
    expect((await listFetched(env)).map(({ name, dtypes }) => ({ name, dtypes }))).toEqual([
      { name: 'clip-vit-b32', dtypes: ['fp32', 'fp16'] },
    ]);
  });

  test('comes along to another revision of the model', async () => {
    await fetched();
    await fetched('clip-vit-b32', { dtype: 'fp16' });
    hub.sha = 'f'.repeat(40);
    hub.files[HALF] = randomBytes(5001);
    const { model } = await fetched('clip-vit-b32', { revision: 'main' });
    expect(model).toMatchObject({ revision: hub.sha, dtypes: ['fp32', 'fp16'] });
    expect(Buffer.compare(await fileOf(HALF), contentOf(HALF))).toBe(0);
    await expectRightRecord();
  });

  test('takes the plain text side if the repository has no other', async () => {
    const { model } = await fetched('clip-vit-b32', { dtype: 'q8' });
    expect(model.dtypes).toEqual(['q8']);
    expect(await graphs()).toEqual(['text_model.onnx', 'vision_model_quantized.onnx']);
  });

  test('that the repository does not have is named, with those that it has', async () => {
    await expect(fetched('clip-vit-b32', { dtype: 'q4' })).rejects.toMatchObject({
      code: 'ModelInvalid',
      message: expect.stringContaining(
        'has no onnx/vision_model_q4.onnx. It has the variants fp32, fp16, q8: choose one with --dtype.',
      ),
    });
    expect(await visible()).toEqual([]);
  });

  test('that was broken off is no variant yet, and the next fetch goes on', async () => {
    await fetched();
    answers(`${HALF}_data`, (response) => refuse(response, 404));
    await expect(fetched('clip-vit-b32', { dtype: 'fp16' })).rejects.toThrow();
    expect(await graphs()).toEqual(['text_model.onnx', 'vision_model.onnx']);
    hub.intercept = undefined;
    await fetched('clip-vit-b32', { dtype: 'fp16' });
    expect(hub.contentRequests(HALF)).toHaveLength(1);
    await expectRightRecord();
  });

  test('of a repository is one of its vision part, and not of the graph of both parts', async () => {
    hub.files['onnx/model_fp16.onnx'] = randomBytes(10);
    const { model } = await fetched(CLIP, { dtype: 'fp16' });
    expect(model.files.map(({ path }) => path)).toEqual(expect.arrayContaining([HALF, `${HALF}_data`, HALF_TEXT]));
    expect(model.files.map(({ path }) => path)).not.toContain('onnx/model_fp16.onnx');
  });

  test('is named if the hub can not be reached, and no package stands in for it', async () => {
    hub.intercept = always(503);
    await expect(fetched('minilm', { dtype: 'fp16' })).rejects.toMatchObject({
      code: 'HubUnreachable',
      message: expect.stringContaining('  onnx/model_fp16.onnx'),
    });
  });

  test('is removed alone, with its weights; what others use stays', async () => {
    await fetched();
    await fetched('clip-vit-b32', { dtype: 'fp16' });
    await fetched('clip-vit-b32', { dtype: 'q8' });
    await removeVariant(env, 'clip-vit-b32', 'fp16', waiting);
    expect(await graphs()).toEqual(['text_model.onnx', 'vision_model.onnx', 'vision_model_quantized.onnx']);
    await removeVariant(env, 'clip-vit-b32', 'fp32', waiting);
    expect(await graphs()).toEqual(['text_model.onnx', 'vision_model_quantized.onnx']);
    await expectRightRecord();
    await expect(removeVariant(env, 'clip-vit-b32', 'fp16', waiting)).rejects.toMatchObject({
      code: 'UnknownModel',
      message: 'The variant fp16 of clip-vit-b32 was not fetched. Those that were: q8.',
    });
    await removeVariant(env, 'clip-vit-b32', 'q8', waiting);
    expect(await visible()).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });
});
