import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { encode } from 'bmp-ts';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePixels } from '../../core/media/images/decode.ts';
import type { PixelGeometry } from '../../core/media/images/resize.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { temporaryFolder, writePng } from './tiny-models.ts';

const GEOMETRY: PixelGeometry = {
  resize: { fit: 'fill', width: 4, height: 4, kernel: 'nearest' },
  crop: { width: 4, height: 4 },
};
const LIMITS = { maxPixels: 1_000_000, timeoutSeconds: 60 };

let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => rm(folder, { recursive: true }));

function decode(path: string | Buffer, geometry = GEOMETRY): Promise<Uint8Array> {
  return decodePixels({ path }, geometry, LIMITS);
}

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** RGB of the pixel at (2, 2). */
async function middle(path: string | Buffer): Promise<number[]> {
  const pixels = await decode(path);
  expect(pixels).toHaveLength(48);
  return Array.from(pixels.subarray(30, 33));
}

const orange = { width: 8, height: 8, channels: 3, background: { r: 200, g: 120, b: 40 } } as const;

test.each(['png', 'webp', 'gif', 'tiff', 'avif', 'jpeg'] as const)('%s is read', async (format) => {
  const path = join(folder, `orange.${format}`);
  await sharp({ create: orange }).toFormat(format, { quality: 100 }).toFile(path);
  const [r, g, b] = (await middle(path)) as [number, number, number];
  expect(Math.abs(r - 200) + Math.abs(g - 120) + Math.abs(b - 40)).toBeLessThan(12);
});

test.each([
  { name: 'grey of 8 bits', make: () => sharp({ create: orange }).greyscale().png() },
  { name: 'grey of 16 bits', make: () => sharp({ create: orange }).toColourspace('grey16').png() },
  { name: 'colour of 16 bits', make: () => sharp({ create: orange }).toColourspace('rgb16').png() },
  { name: 'CMYK', make: () => sharp({ create: orange }).toColourspace('cmyk').jpeg() },
  { name: 'a palette', make: () => sharp({ create: orange }).png({ palette: true }) },
])('$name becomes three channels of 8 bits', async ({ name, make }) => {
  const path = await file(name, await make().toBuffer());
  expect(await decode(path)).toHaveLength(48);
});

test('transparency is laid on white', async () => {
  const clear = { ...orange, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } as const;
  const path = await file('clear.png', await sharp({ create: clear }).png().toBuffer());
  expect(await middle(path)).toEqual([255, 255, 255]);
});

test('an animation gives its first frame', async () => {
  const frames = await Promise.all(
    ['red', 'blue'].map((background) =>
      sharp({ create: { ...orange, background } })
        .png()
        .toBuffer(),
    ),
  );
  const path = await file(
    'two.gif',
    await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer(),
  );
  const [r, , b] = (await middle(path)) as [number, number, number];
  expect(r).toBeGreaterThan(240);
  expect(b).toBeLessThan(15);
});

test('SVG is drawn at the size asked for, not drawn small and enlarged', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><circle cx="2" cy="2" r="2"/></svg>';
  const path = await file('tiny.svg', svg);
  const size = { width: 200, height: 200 };
  const pixels = await decode(path, { resize: { fit: 'fill', ...size, kernel: 'cubic' }, crop: size });
  const reds = pixels.filter((_, i) => i % 3 === 0);
  const between = reds.filter((value) => value > 16 && value < 240).length;
  // The edge of a circle drawn at this size: about one pixel wide, of a circumference of 630.
  expect(between).toBeLessThan(1500);
  expect(reds.filter((value) => value <= 16).length).toBeGreaterThan(30_000);
});

test('SVG shows nothing of the files that it links to', async () => {
  const secret = await file(
    'secret.png',
    await sharp({ create: { ...orange, background: 'black' } })
      .png()
      .toBuffer(),
  );
  const links = [secret, `file://${secret}`, 'secret.png'].map(
    (href) => `<image href="${href}" width="8" height="8"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${links.join('')}</svg>`;
  expect(await middle(await file('links.svg', svg))).toEqual([255, 255, 255]);
  for (const name of ['links.png', 'links.jpg', 'links[page=0].gif', 'links'])
    expect(await middle(await file(name, svg)), name).toEqual([255, 255, 255]);
});

test.each(['pipe.svg', 'pipe.png', 'pipe'])(
  '%s waits at no pipe that it includes',
  { timeout: PATIENCE_MS },
  async (name) => {
    execFileSync('mkfifo', [join(folder, `${name}.txt`)]);
    const include = `<include xmlns="http://www.w3.org/2001/XInclude" href="${name}.txt" parse="text"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${include}</svg>`;
    expect(await middle(await file(name, svg))).toEqual([255, 255, 255]);
  },
);

test.each([
  ['UTF-16', (svg: string) => Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${svg}`, 'utf16le')],
  ['Latin 1', (svg: string) => Buffer.from(`<?xml version="1.0" encoding="latin1"?><!--\xe9-->${svg}`, 'latin1')],
  ['gzip', (svg: string) => gzipSync(svg)],
  ['a long comment', (svg: string) => Buffer.from(`<!--${'x'.repeat(60_000)}-->${svg}`)],
])('SVG in %s is drawn', async (name, encode) => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="red"/></svg>';
  expect(await middle(await file(`${name}.svg`, encode(svg)))).toEqual([255, 0, 0]);
});

test('a drawing that is large once it is uncompressed is refused', async () => {
  const bomb = gzipSync(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${' '.repeat(8 << 20)}</svg>`);
  await expect(decode(await file('bomb.svg', bomb))).rejects.toMatchObject({ code: 'unsupported_format' });
});

test('BMP with a palette is read', async () => {
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + 8 + 64, 2);
  header.writeUInt32LE(54 + 8, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(8, 18);
  header.writeInt32LE(8, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(8, 28);
  header.writeUInt32LE(2, 46);
  const palette = [0, 0, 0, 0, 40, 120, 200, 0];
  const path = await file('palette.bmp', Buffer.concat([header, Buffer.from(palette), Buffer.alloc(64, 1)]));
  expect(await middle(path)).toEqual([200, 120, 40]);
});

test.each([24, 32] as const)('BMP with %i bits a pixel is read', async (bitPP) => {
  const abgr = Buffer.alloc(8 * 8 * 4);
  for (let i = 0; i < abgr.length; i += 4) abgr.set([255, 40, 120, 200], i);
  const { data } = encode({ data: abgr, width: 8, height: 8, bitPP });
  const path = await file(`orange-${bitPP}.bmp`, data);
  expect(await middle(path)).toEqual([200, 120, 40]);
});

test('a BMP that says it is larger than it is, is refused before memory is taken for it', async () => {
  const { data } = encode({ data: Buffer.alloc(256), width: 8, height: 8, bitPP: 24 });
  data.writeInt32LE(900, 18);
  data.writeInt32LE(900, 22);
  await expect(decode(await file('short.bmp', data))).rejects.toMatchObject({ code: 'decode_failed' });
  data.writeInt32LE(90_000, 22);
  await expect(decode(await file('bomb.bmp', data))).rejects.toMatchObject({ code: 'too_many_pixels' });
});

test.each(['with spaces.png', `quotes'".png`, 'new\nline.png', 'emoji 🚢.png', 'options[page=2]', 'percent%20%s.png'])(
  'the name %j is taken as it is',
  async (name) => {
    const path = join(folder, name);
    const pixels = await writePng(join(folder, 'plain.png'), 1);
    await writeFile(path, await sharp(join(folder, 'plain.png')).png().toBuffer());
    expect(Array.from(await decode(path))).toEqual(Array.from(pixels));
  },
);

test('a name that is not valid UTF-8 is given as bytes', async () => {
  const pixels = await writePng(join(folder, 'plain.png'), 2);
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x2e, 0x70])]);
  await writeFile(path, await sharp(join(folder, 'plain.png')).png().toBuffer());
  expect(Array.from(await decode(path))).toEqual(Array.from(pixels));
});

test('what can not be decoded is told apart', async () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
  const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  const bomb = await sharp({ create: { ...orange, width: 1001, height: 1000 } })
    .png()
    .toBuffer();
  const paths = {
    decode_failed: await file('truncated.jpg', jpeg.subarray(0, jpeg.length >> 1)),
    unsupported_format: await file('text.jpg', 'not an image at all'),
    too_many_pixels: await file('bomb.png', bomb),
    file_not_found: join(folder, 'nowhere.jpg'),
    not_a_file: join(folder, 'folder.jpg'),
  };
  await mkdir(paths.not_a_file);
  const codes = Object.values(paths).map((path) => decode(path).catch(({ code }) => code));
  expect(await Promise.all(codes)).toEqual(Object.keys(paths));

  await expect(decode(paths.decode_failed)).rejects.toThrow(/^the file is damaged/);
  await expect(decode(paths.too_many_pixels)).rejects.toThrow(
    '1,001,000 pixels; the limit is 1,000,000 (PLIMSOLL_MAX_PIXELS)',
  );
});

test('an empty file is no image, and says so', async () => {
  const path = await file('empty.jpg', '');
  await expect(decode(path)).rejects.toMatchObject({ code: 'decode_failed', message: 'the file is empty' });
});

test('a file that may not be read is told from one that is not there', async () => {
  const path = await file('locked.png', await sharp({ create: orange }).png().toBuffer());
  await chmod(path, 0);
  await chmod(folder, 0o755);
  const script = `
    import { decodePixels } from ${JSON.stringify(new URL('../../core/media/images/decode.ts', import.meta.url).href)};
    const root = process.getuid() === 0;
    if (root) process.setuid(65534);
    const path = ${JSON.stringify(path)};
    await decodePixels({ path }, ${JSON.stringify(GEOMETRY)}).catch(({ code }) => console.log(code));
  `;
  // This runs in another process, because the tests may run as root, who may read everything.
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(output.trim()).toBe('permission_denied');
});
