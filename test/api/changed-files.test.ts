import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../../api/start-server.ts';
import { openThumbnails } from '../../api/thumbnails/thumbnails.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let photos: string;
let dataset: string;
const seqs = new Map<string, number>();
const versions = new Map<string, string>();
const MANY = 40;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  photos = join(bench.folder, 'photos');
  await mkdir(photos);
  for (const name of ['file', 'picture', 'back', 'drawn', 'recorded'])
    await writeFile(join(photos, `${name}.png`), await plain('red'));
  await writeFile(join(photos, 'text.jpg'), 'A shopping list.\n');
  await writeFile(join(photos, 'broken.png'), (await plain('red')).subarray(0, 60));
  const large = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: 'navy' } })
    .png()
    .toBuffer();
  for (let index = 0; index < MANY; index += 1) await writeFile(join(photos, `large-${index}.png`), large);
  dataset = bench.newDataset();
  await bench.load({ dataset, source: photos, embed: false });
  api = await openTestApi(bench.store, { sourceRoots: [photos] });
  const { json } = await api.get(`/api/datasets/${dataset}/samples?limit=200`);
  for (const { path, seq, version } of json.samples) {
    seqs.set(path.replace('photos/', ''), seq);
    versions.set(path.replace('photos/', ''), version);
  }
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const plain = (background: string) =>
  sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();

const at = (name: string, what: string, more = '') =>
  `/api/datasets/${dataset}/samples/${seqs.get(name)}/${what}?v=${versions.get(name)}${more}`;

async function colourOf(bytes: Uint8Array): Promise<'red' | 'blue'> {
  const [red, , blue] = await sharp(bytes).raw().toBuffer();
  return (red as number) > (blue as number) ? 'red' : 'blue';
}

describe('a file that is another than its record says', () => {
  test('is not kept for good under the version of the record', async () => {
    expect((await api.get(at('file.png', 'file'))).headers.get('cache-control')).toContain('immutable');
    await writeFile(join(photos, 'file.png'), await plain('blue'));
    const { status, headers } = await api.get(at('file.png', 'file'));
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('private, no-cache');
  });

  test('has a thumbnail of its own: with another tag, and not kept for good', async () => {
    await rename(join(photos, 'back.png'), join(photos, 'back.kept'));
    await writeFile(join(photos, 'back.png'), await plain('blue'));
    const changed = await api.get(at('back.png', 'thumbnail', '&size=128'));
    expect(await colourOf(changed.bytes)).toBe('blue');
    expect(changed.headers.get('cache-control')).toBe('private, no-cache');
    await rename(join(photos, 'back.kept'), join(photos, 'back.png'));
    const asBefore = await api.get(at('back.png', 'thumbnail', '&size=128'));
    expect(await colourOf(asBefore.bytes)).toBe('red');
    // Its content is that of the record, but its change time is not, and nobody has compared the contents.
    expect(asBefore.headers.get('cache-control')).toBe('private, no-cache');
    expect(asBefore.headers.get('etag')).not.toBe(changed.headers.get('etag'));
  });

  test('is not answered with 304 to who has the picture of before', async () => {
    const { headers } = await api.get(at('picture.png', 'thumbnail', '&size=128'));
    expect(headers.get('cache-control')).toContain('immutable');
    await writeFile(join(photos, 'picture.png'), await plain('blue'));
    const etag = headers.get('etag') as string;
    const changed = await api.get(at('picture.png', 'thumbnail', '&size=128'), { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(await colourOf(changed.bytes)).toBe('blue');
  });
});

describe('a file that indexing has found broken', () => {
  test('is not read again for its picture', async () => {
    // Whether it was read shows where the record is wrong.
    const seq = seqs.get('recorded.png') as number;
    const error = { stage: 'indexing' as const, code: 'truncated_header', message: 'cut short', at: new Date() };
    await collectionsOf(bench.store).samples.updateOne(
      { dataset_id: dataset, seq },
      { $set: { status: 'failed', error } },
    );
    const { status, headers } = await api.get(at('recorded.png', 'thumbnail'));
    expect(status).toBe(422);
    expect(headers.get('plimsoll-reason')).toBe('decode_failed');
  });

  test('has its picture once it was mended', async () => {
    await writeFile(join(photos, 'text.jpg'), await drawPicture(7));
    expect((await api.get(at('text.jpg', 'thumbnail'))).status).toBe(200);
  });
});

test('If-None-Match * is no 304 where there is no picture, and one where there is', async () => {
  const any = { 'if-none-match': '*' };
  expect((await api.get(at('broken.png', 'thumbnail', '&size=128'), any)).status).toBe(422);
  expect((await api.get(at('drawn.png', 'thumbnail', '&size=128'), any)).status).toBe(304);
});

test('pictures that nobody wants any more are not drawn, and hold up nobody', async () => {
  const server = await startApi({ ...api.context.settings }, (message) => api.faults.push(message));
  try {
    await server.context.backends.mongodb.untilReady();
    const { thumbnails } = server.context;
    const gone = new AbortController();
    const left = Array.from({ length: MANY }, (_, index) =>
      fetch(`${server.url}${at(`large-${index}.png`, 'thumbnail')}`, { signal: gone.signal }).catch(() => undefined),
    );
    await expect.poll(() => thumbnails.waiting, { interval: 1 }).toBeGreaterThan(0);
    gone.abort();
    await Promise.all(left);
    await expect.poll(() => thumbnails.waiting, { interval: 1 }).toBe(0);
    const wanted = await fetch(`${server.url}${at('drawn.png', 'thumbnail', '&size=512')}`);
    expect(wanted.status).toBe(200);
    expect(thumbnails.counts.made).toBeLessThan(MANY / 2);
    expect(api.faults).toEqual([]);
  } finally {
    await server.close();
  }
});

test('a picture that takes longer than its turn ends it', async () => {
  const thumbnails = openThumbnails({ folder: join(bench.folder, 'kept'), bytes: 1_000_000, turnMs: 1 });
  const source = folderSource();
  const file = { path: join(photos, 'large-0.png') };
  const request = {
    medium: imagesMedium(),
    open: () => source.open(file),
    fingerprint: (await source.stat(file))?.fingerprint ?? '',
    version: 'v'.repeat(16),
    size: 128,
  };
  const asked = thumbnails.get(request, new AbortController().signal);
  await expect(asked).rejects.toMatchObject({ code: 'decode_timeout' });
});
