import { mkdir, readdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let photos: string;
let dataset: string;
const seqs = new Map<string, number>();

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><script>alert(1)</script><rect width="40" height="20" fill="red"/></svg>';

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  photos = join(bench.folder, 'photos');
  await mkdir(photos);
  await writeFile(join(bench.folder, 'outside.jpg'), await drawPicture(1));
  await writeFile(join(photos, 'a.jpg'), await drawPicture(2));
  for (const [folder, number] of [
    [join(bench.folder, 'outside'), 6],
    [join(photos, 'in'), 7],
  ] as const) {
    await mkdir(folder);
    await writeFile(join(folder, 'a.jpg'), await drawPicture(number));
  }
  // Cameras store a turned photo this way: the pixels lie on their side, and a tag says how to turn them.
  await writeFile(
    join(photos, 'turned.jpg'),
    await sharp({ create: { width: 400, height: 200, channels: 3, background: 'blue' } })
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer(),
  );
  const grain = await sharp({
    create: { width: 300, height: 300, channels: 3, background: 'green', noise: { type: 'gaussian', sigma: 60 } },
  })
    .jpeg()
    .toBuffer();
  await writeFile(join(photos, 'cut.jpg'), grain.subarray(0, grain.length >> 1));
  await writeFile(join(photos, 'text.jpg'), 'A shopping list.\n');
  await writeFile(join(photos, 'drawing.svg'), SVG);
  await writeFile(join(photos, 'gone.jpg'), await drawPicture(3));
  await writeFile(join(photos, "it's (ünsafe)\n.png"), await drawPicture(4, 'png'));
  await writeFile(
    Buffer.concat([Buffer.from(`${photos}/raw-`), Buffer.from([0xff, 0xfe]), Buffer.from('.jpg')]),
    await drawPicture(5),
  );
  await symlink(join(bench.folder, 'outside.jpg'), join(photos, 'link-out.jpg'));
  await symlink(join(photos, 'a.jpg'), join(photos, 'link-in.jpg'));
  dataset = bench.newDataset();
  await bench.load({ dataset, source: photos, embed: false });
  await rm(join(photos, 'gone.jpg'));
  api = await openTestApi(bench.store, { sourceRoots: [photos] });
  const { json } = await api.get(`/api/datasets/${dataset}/samples`);
  for (const { path, seq } of json.samples) seqs.set(path.replace('photos/', ''), seq);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const seqOf = (name: string) => {
  const seq = [...seqs].find(([path]) => path.startsWith(name))?.[1];
  if (seq === undefined) throw new Error(`no sample ${name} in ${[...seqs.keys()]}`);
  return seq;
};
const at = (name: string, what: string) => `/api/datasets/${dataset}/samples/${seqOf(name)}/${what}`;

describe('a file', () => {
  test('comes whole, with its own type and a tag', async () => {
    const { status, bytes, headers } = await api.get(at('a.jpg', 'file'));
    expect(status).toBe(200);
    expect(Buffer.from(bytes)).toEqual(await drawPicture(2));
    expect(headers.get('content-type')).toBe('image/jpeg');
    expect(headers.get('content-disposition')).toBe("inline; filename*=UTF-8''a.jpg");
    expect(headers.get('etag')).toMatch(/^"[\w-]+"$/);
    expect(headers.get('cache-control')).toBe('private, no-cache');
  });

  test('is not sent again to who has it', async () => {
    const etag = (await api.get(at('a.jpg', 'file'))).headers.get('etag') as string;
    expect((await api.get(at('a.jpg', 'file'), { 'if-none-match': etag })).status).toBe(304);
    expect((await api.get(at('a.jpg', 'file'), { 'if-none-match': `"x", W/${etag}` })).status).toBe(304);
    expect((await api.get(at('a.jpg', 'file'), { 'if-none-match': '"x"' })).status).toBe(200);
    await utimes(join(photos, 'a.jpg'), new Date(), new Date());
    expect((await api.get(at('a.jpg', 'file'), { 'if-none-match': etag })).status).toBe(200);
  });

  test('is kept for good under its version', async () => {
    const { version } = (await api.get(`/api/datasets/${dataset}/samples/${seqOf('turned.jpg')}`)).json.sample;
    const { headers } = await api.get(at('turned.jpg', `file?v=${version}`));
    expect(headers.get('cache-control')).toContain('immutable');
  });

  test.each([
    ['bytes=0-9', 206, [0, 9]],
    ['bytes=5-', 206, [5, undefined]],
    ['bytes=-7', 206, [-7, undefined]],
    ['bytes=0-99999999', 206, [0, undefined]],
    ['bytes=10-5', 200, [0, undefined]],
    ['bytes=0-1,4-5', 200, [0, undefined]],
    ['bytes=-', 200, [0, undefined]],
    ['lines=1-2', 200, [0, undefined]],
    ['bytes=99999999-', 416, undefined],
    ['bytes=-0', 416, undefined],
  ] as const)('range %s', async (range, status, stretch) => {
    const whole = Buffer.from(await drawPicture(2));
    const answer = await api.get(at('a.jpg', 'file'), { range });
    expect(answer.status).toBe(status);
    if (stretch === undefined) return expect(answer.headers.get('content-range')).toBe(`bytes */${whole.length}`);
    const [from, to] = stretch;
    const expected = whole.subarray(from, to === undefined ? undefined : to + 1);
    expect(Buffer.from(answer.bytes)).toEqual(expected);
    expect(answer.headers.get('content-length')).toBe(String(expected.length));
    if (status === 206)
      expect(answer.headers.get('content-range')).toMatch(new RegExp(`^bytes \\d+-\\d+/${whole.length}$`));
  });

  test('a range of what has changed is the whole', async () => {
    expect((await api.get(at('a.jpg', 'file'), { range: 'bytes=0-3', 'if-range': '"old"' })).status).toBe(200);
  });

  test('an SVG runs nothing: an attachment in a sandbox', async () => {
    const { headers } = await api.get(at('drawing.svg', 'file'));
    expect(headers.get('content-type')).toBe('image/svg+xml');
    expect(headers.get('content-disposition')).toMatch(/^attachment/);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('any name fits a header; one that is not UTF-8 is found', async () => {
    const odd = await api.get(at("it's", 'file'));
    expect(odd.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''it%27s%20%28%C3%BCnsafe%29%0A.png");
    expect((await api.get(at('raw-', 'file'))).status).toBe(200);
  });

  test('that is gone is 410, and a link out of the roots is refused', async () => {
    expect((await api.get(at('gone.jpg', 'file'))).json.code).toBe('FileGone');
    expect((await api.get(at('link-out.jpg', 'file'))).json.code).toBe('FileOutsideRoots');
    expect((await api.get(at('link-out.jpg', 'thumbnail'))).json.code).toBe('FileOutsideRoots');
    expect((await api.get(at('link-in.jpg', 'file'))).status).toBe(200);
  });

  test('a folder that was swapped for a link is seen through', async () => {
    const moved = join(bench.folder, 'moved');
    await rename(photos, moved);
    await mkdir(photos);
    await symlink(join(moved, 'a.jpg'), join(photos, 'a.jpg'));
    try {
      expect((await api.get(at('a.jpg', 'file'))).json.code).toBe('FileOutsideRoots');
    } finally {
      await rm(photos, { recursive: true });
      await rename(moved, photos);
    }
  });
});

describe('a thumbnail', () => {
  test('is WebP, turned, no larger than asked for', async () => {
    const { bytes, headers } = await api.get(at('turned.jpg', 'thumbnail?size=128'));
    expect(headers.get('content-type')).toBe('image/webp');
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 64, height: 128 });
    const large = await sharp((await api.get(at('turned.jpg', 'thumbnail?size=1024'))).bytes).metadata();
    expect(large).toMatchObject({ width: 200, height: 400 });
  });

  test('has a tag of its own for each size', async () => {
    const [small, large] = await Promise.all([128, 256].map((size) => api.get(at('a.jpg', `thumbnail?size=${size}`))));
    const etag = small?.headers.get('etag') as string;
    expect(etag).not.toBe(large?.headers.get('etag'));
    expect((await api.get(at('a.jpg', 'thumbnail?size=128'), { 'if-none-match': etag })).status).toBe(304);
  });

  test('that many ask for at once is made once, and kept', async () => {
    const before = { ...api.context.thumbnails.counts };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.get(at('link-in.jpg', 'thumbnail?size=512'))),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(api.context.thumbnails.counts.made).toBe(before.made + 1);
    // The file is written after the answer.
    await expect
      .poll(() => filesIn(api.context.settings.thumbnailFolder))
      .toSatisfy((names: string[]) => names.some((name) => name.endsWith('-512')));
    await api.get(at('link-in.jpg', 'thumbnail?size=512'));
    expect(api.context.thumbnails.counts.made).toBe(before.made + 1);
  });

  test('an SVG is drawn', async () => {
    expect((await api.get(at('drawing.svg', 'thumbnail'))).status).toBe(200);
  });

  test.each([
    ['cut.jpg', 'decode_failed'],
    ['text.jpg', 'unsupported_format'],
    ['gone.jpg', 'file_not_found'],
  ])('of %s is a picture that says so', async (name, reason) => {
    const picture = await api.get(at(name, 'thumbnail?size=128'), { accept: 'image/*' });
    expect(picture.status).toBe(422);
    expect(picture.headers.get('plimsoll-reason')).toBe(reason);
    expect(picture.headers.get('vary')).toBe('Accept');
    expect(picture.headers.get('content-type')).toBe('image/svg+xml');
    expect(await sharp(picture.bytes).metadata()).toMatchObject({ width: 128, height: 128 });
    const told = await api.get(at(name, 'thumbnail?size=128'), { accept: 'application/json' });
    expect(told.json.code).toBe('ThumbnailFailed');
    expect(JSON.stringify(told.json)).not.toContain(bench.folder);
  });
});

test('kept thumbnails stay below their bound, the latest used are kept', async () => {
  const small = await openTestApi(bench.store, { thumbnailBytes: 700, sourceRoots: [photos] });
  try {
    const folder = small.context.settings.thumbnailFolder;
    for (const size of [128, 256, 512, 1024])
      for (const name of ['a.jpg', 'turned.jpg', 'drawing.svg']) await small.get(at(name, `thumbnail?size=${size}`));
    await expect.poll(() => bytesIn(folder)).toSatisfy((bytes: number) => bytes > 0 && bytes <= 700);
  } finally {
    await small.close();
  }
});

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = (await filesIn(folder)).map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
