import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const memory = memorySource();

let bench: Workbench;
let api: TestApi;
let dataset: string;
let source: string;
/** By the names of the files. */
const samples = new Map<string, { seq: number; version: string }>();

const plain = (background: string, width = 400, height = 200) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

const NAMES = ['whole', 'part', 'held', 'gone', 'changed', 'drawn', 'redrawn', 'away'];

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'], plugin: { sources: [memory] } });
  dataset = bench.newDataset();
  source = `memory:/${dataset}`;
  for (const name of NAMES) memory.put(`${source}/${name}.png`, await plain('red'));
  memory.put(`${source}/photo (é).jpg`, await drawPicture(1));
  // The header states the size; the pixels are missing.
  memory.put(`${source}/cut.png`, (await plain('red')).subarray(0, 60));
  expect(await bench.load({ dataset, source, embed: false })).toMatchObject({ state: 'completed' });
  // Roots bound folders, and no root is allowed here.
  api = await openTestApi(
    bench.store,
    { sourceRoots: [] },
    { sources: createSources([memory, folderSource({ roots: [] })]) },
  );
  const { json } = await api.get(`/api/datasets/${dataset}/samples`);
  for (const { path, seq, version } of json.samples) samples.set(path.split('/').at(-1), { seq, version });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const at = (name: string, what: string) => `/api/datasets/${dataset}/samples/${samples.get(name)?.seq}/${what}`;
const versioned = (name: string, what: string) => `${at(name, what)}?v=${samples.get(name)?.version}`;

async function colourOf(bytes: Uint8Array): Promise<'red' | 'blue'> {
  const [red, , blue] = await sharp(bytes).raw().toBuffer();
  return (red as number) > (blue as number) ? 'red' : 'blue';
}

describe('a file in memory', () => {
  test('comes whole, with its type, its name and a tag', async () => {
    const { status, bytes, headers } = await api.get(at('photo (é).jpg', 'file'));
    expect(status).toBe(200);
    expect(Buffer.from(bytes)).toEqual(await drawPicture(1));
    expect(headers.get('content-type')).toBe('image/jpeg');
    expect(headers.get('content-disposition')).toBe("inline; filename*=UTF-8''photo%20%28%C3%A9%29.jpg");
    expect(headers.get('content-length')).toBe(String(bytes.length));
    expect(headers.get('etag')).toMatch(/^"[\w-]+"$/);
    expect((await api.get(versioned('whole.png', 'file'))).headers.get('cache-control')).toContain('immutable');
  });

  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=10-', 10, undefined],
    ['bytes=-7', -7, undefined],
    ['bytes=20-99999999', 20, undefined],
  ] as const)('comes in part: %s', async (range, from, to) => {
    const whole = await plain('red');
    const { status, bytes, headers } = await api.get(at('part.png', 'file'), { range });
    expect(status).toBe(206);
    expect(Buffer.from(bytes)).toEqual(whole.subarray(from, to));
    const start = from < 0 ? whole.length + from : from;
    expect(headers.get('content-range')).toBe(`bytes ${start}-${start + bytes.length - 1}/${whole.length}`);
  });

  test('has no range behind its end', async () => {
    const { status, headers } = await api.get(at('part.png', 'file'), { range: 'bytes=99999999-' });
    expect(status).toBe(416);
    expect(headers.get('content-range')).toBe(`bytes */${(await plain('red')).length}`);
  });

  test('is not sent again to who has it, until it is put again', async () => {
    const etag = (await api.get(at('held.png', 'file'))).headers.get('etag') as string;
    expect((await api.get(at('held.png', 'file'), { 'if-none-match': etag })).status).toBe(304);
    memory.put(`${source}/held.png`, await plain('red'));
    const again = await api.get(at('held.png', 'file'), { 'if-none-match': etag });
    expect(again.status).toBe(200);
    expect(again.headers.get('etag')).not.toBe(etag);
  });

  test('is not kept for good under the version of a record that is older', async () => {
    memory.put(`${source}/changed.png`, await plain('blue'));
    const { bytes, headers } = await api.get(versioned('changed.png', 'file'));
    expect(await colourOf(bytes)).toBe('blue');
    expect(headers.get('cache-control')).toBe('private, no-cache');
  });

  test('that was removed is 410, and is there again once it is put back', async () => {
    memory.remove(`${source}/gone.png`);
    const { status, json } = await api.get(at('gone.png', 'file'));
    expect([status, json.code]).toEqual([410, 'FileGone']);
    const picture = await api.get(at('gone.png', 'thumbnail'));
    expect([picture.status, picture.headers.get('plimsoll-reason')]).toEqual([422, 'file_not_found']);
    memory.put(`${source}/gone.png`, await plain('red'));
    expect((await api.get(at('gone.png', 'file'))).status).toBe(200);
    expect((await api.get(at('gone.png', 'thumbnail'))).status).toBe(200);
  });
});

describe('a thumbnail of a picture in memory', () => {
  test.each([
    [128, 128, 64],
    [256, 256, 128],
    // No larger than the picture.
    [1024, 400, 200],
  ])('of %i pixels is WebP', async (size, width, height) => {
    const { status, bytes, headers } = await api.get(at('drawn.png', `thumbnail?size=${size}`));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('image/webp');
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width, height });
    expect(await colourOf(bytes)).toBe('red');
    const etag = headers.get('etag') as string;
    expect((await api.get(at('drawn.png', `thumbnail?size=${size}`), { 'if-none-match': etag })).status).toBe(304);
  });

  test('is another once other content was put, with another tag', async () => {
    const before = await api.get(at('redrawn.png', 'thumbnail?size=128'));
    expect(await colourOf(before.bytes)).toBe('red');
    memory.put(`${source}/redrawn.png`, await plain('blue', 60, 240));
    const etag = before.headers.get('etag') as string;
    const after = await api.get(at('redrawn.png', 'thumbnail?size=128'), { 'if-none-match': etag });
    expect(after.status).toBe(200);
    expect(after.headers.get('etag')).not.toBe(etag);
    expect(await colourOf(after.bytes)).toBe('blue');
    expect(await sharp(after.bytes).metadata()).toMatchObject({ width: 32, height: 128 });
  });

  test('of a broken one says what is wrong, and comes once it was mended', async () => {
    const broken = await api.get(at('cut.png', 'thumbnail'));
    expect([broken.status, broken.headers.get('plimsoll-reason')]).toEqual([422, 'decode_failed']);
    memory.put(`${source}/cut.png`, await plain('blue'));
    const mended = await api.get(at('cut.png', 'thumbnail'));
    expect(mended.status).toBe(200);
    expect(await colourOf(mended.bytes)).toBe('blue');
  });
});

test('a source that went away takes its files with it, and brings them back', async () => {
  memory.setPresent(source, false);
  try {
    expect((await api.get(at('away.png', 'file'))).json.code).toBe('FileGone');
  } finally {
    memory.setPresent(source, true);
  }
  expect((await api.get(at('away.png', 'file'))).status).toBe(200);
});

test('a server that does not read from memory says so of the file, and shows the sample all the same', async () => {
  const other = await openTestApi(bench.store);
  try {
    expect((await other.get(at('whole.png', '').replace(/\/$/, ''))).json.sample).toMatchObject({ status: 'indexed' });
    const { status, json } = await other.get(at('whole.png', 'file'));
    expect([status, json.code]).toEqual([410, 'FileGone']);
    expect(json.detail).toContain('reads no files from the source');
    const picture = await other.get(at('whole.png', 'thumbnail'));
    expect([picture.status, picture.headers.get('plimsoll-reason')]).toEqual([422, 'file_not_found']);
    expect(other.faults).toEqual([]);
  } finally {
    await other.close();
  }
});

test('nothing of this was a fault of the server', () => {
  expect(api.faults).toEqual([]);
});
