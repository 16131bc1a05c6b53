import { mkdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources, type Source } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
/** Any folder may be loaded, as on the loopback address. */
let api: TestApi;
let photos: string;
let texts: string;
/** A file of the server's account that nobody else may read. */
let secret: string;

const SECRET = 'root:$y$j9T$secret:20000:0:99999:7:::\n';

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  [photos, texts, secret] = ['photos', 'texts', 'shadow'].map((name) => join(bench.folder, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(photos);
  await mkdir(texts);
  await writeFile(secret, SECRET, { mode: 0o600 });
  await symlink(secret, join(photos, 'link.jpg'));
  for (const name of ['swapped', 'raced', 'listed', 'touched', 'edited', 'damaged'])
    await writeFile(join(photos, `${name}.png`), await plain('red'));
  await writeFile(join(photos, 'linked.jpg'), await drawPicture(1));
  for (const name of ['touched', 'swapped']) await writeFile(join(texts, `${name}.md`), `# A note\n\nIt is ${name}.\n`);
  await load('photos', photos);
  await load('texts', texts);
  api = await openTestApi(bench.store);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const load = (dataset: string, source: string) => bench.load({ dataset, source, embed: false });

const plain = (background: string) =>
  sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();

async function sampleOf(name: string, dataset = 'photos') {
  const found = await collectionsOf(bench.store).samples.findOne({
    dataset_id: dataset,
    filepath: { $regex: `/${name}$` },
  });
  if (found === null) throw new Error(`no sample ${name}`);
  return found;
}

const fileOf = async (name: string, dataset = 'photos') =>
  `/api/datasets/${dataset}/samples/${(await sampleOf(name, dataset)).seq}/file`;

async function touch(path: string): Promise<void> {
  const { atime, mtime } = await stat(path);
  await utimes(path, atime, new Date(mtime.getTime() + 1000));
}

/** Puts a link to the secret in the place of a file. */
async function swap(folder: string, name: string): Promise<void> {
  await symlink(secret, join(folder, 'next'));
  await rename(join(folder, 'next'), join(folder, name));
}

/** Every way to ask for a file's bytes, or for whether the caller has them. */
const WAYS: [method: string, headers: Record<string, string>][] = [
  ['GET', {}],
  ['HEAD', {}],
  ['GET', { range: 'bytes=0-3' }],
  ['GET', { 'if-none-match': '*' }],
];

async function expectRefused(at: string, code: string): Promise<void> {
  for (const [method, headers] of WAYS) {
    const { status, json, bytes } = await api.call(method, at, { headers });
    expect({ method, headers, status }).toEqual({ method, headers, status: 409 });
    if (method === 'GET') expect(json).toMatchObject({ code });
    expect(new TextDecoder().decode(bytes)).not.toContain('root:');
  }
}

describe('a link to a file of the account that runs the server', () => {
  test('is not served where indexing could not read it as a picture', async () => {
    expect((await sampleOf('link.jpg')).status).toBe('failed');
    await expectRefused(await fileOf('link.jpg'), 'FileNotRead');
  });

  test('is not served under the name of a picture that was read', async () => {
    const at = await fileOf('swapped.png');
    expect((await api.get(at)).status).toBe(200);
    await swap(photos, 'swapped.png');
    await expectRefused(at, 'FileChanged');
  });

  test('is not served under the name of a document that was read', async () => {
    const at = await fileOf('swapped.md', 'texts');
    expect((await api.get(at)).status).toBe(200);
    await swap(texts, 'swapped.md');
    await expectRefused(at, 'FileChanged');
  });

  test('is not served where it is a picture again by the time that it is drawn', async () => {
    const folder = folderSource();
    const seq = (await sampleOf('raced.png')).seq;
    let opened = 0;
    const racing: Source = {
      ...folder,
      open(file) {
        opened += 1;
        return folder.open(opened === 1 ? { path: secret } : file);
      },
    };
    const raced = await openTestApi(bench.store, {}, { sources: createSources([racing]) });
    try {
      const { json } = await raced.get(`/api/datasets/photos/samples/${seq}/file`);
      expect(json).toMatchObject({ code: 'FileChanged' });
      expect(opened).toBe(2);
    } finally {
      await raced.close();
    }
  });

  test('is not served where the listing saw the link and indexing read a picture', async () => {
    const { _id } = await sampleOf('listed.png');
    const at = await fileOf('listed.png');
    await swap(photos, 'listed.png');
    const fingerprint = (await folderSource().stat({ path: secret }))?.fingerprint as string;
    await collectionsOf(bench.store).samples.updateOne({ _id }, { $set: { 'source.fingerprint': fingerprint } });
    await expectRefused(at, 'FileChanged');
  });
});

describe('a file that has changed since it was read', () => {
  test('is served if it is a picture: touched, edited, or a link to another picture', async () => {
    await touch(join(photos, 'touched.png'));
    expect(Buffer.from((await api.get(await fileOf('touched.png'))).bytes)).toEqual(await plain('red'));
    await writeFile(join(photos, 'edited.png'), await plain('blue'));
    expect(Buffer.from((await api.get(await fileOf('edited.png'))).bytes)).toEqual(await plain('blue'));
    await writeFile(join(bench.folder, 'other.jpg'), await drawPicture(2));
    await rm(join(photos, 'linked.jpg'));
    await symlink(join(bench.folder, 'other.jpg'), join(photos, 'linked.jpg'));
    const part = await api.get(await fileOf('linked.jpg'), { range: 'bytes=0-9' });
    expect(part.status).toBe(206);
    expect(Buffer.from(part.bytes)).toEqual((await drawPicture(2)).subarray(0, 10));
  });

  test('is refused if it can not be drawn, until it can', async () => {
    const whole = await plain('green');
    await writeFile(join(photos, 'damaged.png'), whole.subarray(0, 60));
    await expectRefused(await fileOf('damaged.png'), 'FileChanged');
    await writeFile(join(photos, 'damaged.png'), whole);
    expect((await api.get(await fileOf('damaged.png'))).status).toBe(200);
  });

  test('is refused if it is a document, until it is loaded again', async () => {
    const at = await fileOf('touched.md', 'texts');
    const etag = (await api.get(at)).headers.get('etag') as string;
    await touch(join(texts, 'touched.md'));
    await expectRefused(at, 'FileChanged');
    expect((await api.get(at, { 'if-none-match': etag })).status).toBe(409);
    await load('texts', texts);
    expect((await api.get(at)).status).toBe(200);
  });
});
