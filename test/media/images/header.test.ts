import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHeaders } from '../../../core/media/images/header.ts';
import type { HeaderOutcome } from '../../../core/media/images/header-messages.ts';
import { PATIENCE_MS } from '../../support/patience.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-header-'));
});

afterAll(() => rm(dir, { recursive: true }));

async function readBytes(bytes: Buffer | string, name = 'picture.jpg'): Promise<HeaderOutcome> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  const [outcome] = await readHeaders([{ path, sizeBytes: Buffer.byteLength(bytes) }]);
  return outcome as HeaderOutcome;
}

/** Grain that compresses badly, so that headers and contents are of a photograph's sizes. */
function picture(channels: 1 | 3 | 4 = 3): Sharp {
  const pixels = Buffer.alloc(60 * 40 * channels);
  for (let i = 0, state = 7; i < pixels.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    pixels[i] = state >>> 16;
  }
  return sharp(pixels, { raw: { width: 60, height: 40, channels } });
}

const turned = (orientation: number) => picture().withMetadata({ orientation });
const svg = (attributes: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}><rect width="10" height="20"/></svg>`);

/** A JPEG with segments of an application behind its first one, as cameras and editors write them. */
function withSegments(jpeg: Buffer, ...bodies: Buffer[]): Buffer {
  const segments = bodies.map((body) => {
    const head = Buffer.from([0xff, 0xe5, 0, 0]);
    head.writeUInt16BE(body.length + 2, 2);
    return Buffer.concat([head, body]);
  });
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

/** An uncompressed bitmap: sharp neither writes nor reads them. */
function bitmap(width: number, height: number, bits: number): Buffer {
  const bytes = Buffer.alloc(54 + width * Math.abs(height) * 4);
  bytes.write('BM');
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  return bytes;
}

describe('agrees with a full decoder on', () => {
  const files: Record<string, () => Buffer | Promise<Buffer>> = {
    JPEG: () => picture().jpeg().toBuffer(),
    'progressive JPEG': () => picture().jpeg({ progressive: true }).toBuffer(),
    'grey JPEG': () => picture().grayscale().jpeg().toBuffer(),
    'CMYK JPEG': () => picture().toColourspace('cmyk').jpeg().toBuffer(),
    'JPEG with a profile': () => picture().withIccProfile('p3').jpeg().toBuffer(),
    'JPEG with a frame behind 30 KB of segments': async () =>
      withSegments(await turned(6).jpeg().toBuffer(), Buffer.alloc(30_000)),
    'JPEG with a frame behind 180 KB of segments': async () =>
      withSegments(await turned(8).jpeg().toBuffer(), ...Array.from({ length: 3 }, () => Buffer.alloc(60_000))),
    'JPEG with a thumbnail in a segment': async () =>
      withSegments(await turned(6).jpeg().toBuffer(), await picture().resize(12, 9).jpeg().toBuffer()),
    'JPEG with fill bytes between segments': async () => {
      const jpeg = await picture().jpeg().toBuffer();
      return Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(5, 0xff), jpeg.subarray(2)]);
    },
    'JPEG with its orientation as a long integer': async () => {
      const jpeg = await turned(6).jpeg().toBuffer();
      const tag = jpeg.indexOf(Buffer.from([0x12, 0x01, 3, 0]));
      jpeg[tag + 2] = 4;
      return jpeg;
    },
    'JPEG with an orientation that does not exist': async () => {
      const jpeg = await turned(6).jpeg().toBuffer();
      jpeg[jpeg.indexOf(Buffer.from([0x12, 0x01, 3, 0])) + 8] = 9;
      return jpeg;
    },
    PNG: () => picture().png().toBuffer(),
    'PNG with alpha': () => picture(4).png().toBuffer(),
    'grey PNG': () => picture().toColourspace('b-w').png().toBuffer(),
    'PNG of 16 bits': () => picture().toColourspace('rgb16').png().toBuffer(),
    'PNG with a palette': () => picture().png({ palette: true }).toBuffer(),
    'PNG with a transparent palette': () => picture(4).png({ palette: true }).toBuffer(),
    'turned PNG': () => turned(6).png().toBuffer(),
    'PNG with a profile': () => picture().withIccProfile('p3').png().toBuffer(),
    WebP: () => picture().webp().toBuffer(),
    'lossless WebP': () => picture().webp({ lossless: true }).toBuffer(),
    'WebP with alpha': () => picture(4).webp().toBuffer(),
    'lossless WebP with alpha': () => picture(4).webp({ lossless: true }).toBuffer(),
    'turned WebP': () => turned(5).webp().toBuffer(),
    'animated WebP': () =>
      sharp([svg('width="50" height="30"'), svg('width="50" height="30"')], { join: { animated: true } })
        .webp({ loop: 0 })
        .toBuffer(),
    GIF: () => picture().gif().toBuffer(),
    'transparent GIF': () => picture(4).gif().toBuffer(),
    'animated GIF': () =>
      sharp([svg('width="50" height="30"'), svg('width="50" height="30"')], { join: { animated: true } })
        .gif()
        .toBuffer(),
    TIFF: () => picture().tiff().toBuffer(),
    'TIFF with alpha': () => picture(4).tiff().toBuffer(),
    BigTIFF: () => picture().tiff({ bigtiff: true }).toBuffer(),
    'turned TIFF': () => turned(8).tiff().toBuffer(),
    AVIF: () => picture().avif({ effort: 0 }).toBuffer(),
    'AVIF with alpha': () => picture(4).avif({ effort: 0 }).toBuffer(),
    'turned AVIF': () => turned(6).avif({ effort: 0 }).toBuffer(),
    'SVG with a size': () => svg('width="120" height="80"'),
    'SVG with a view box': () => svg('viewBox="0 0 300 200"'),
    'SVG with a size in percent': () => svg('width="100%" height="100%" viewBox="0 0 300 200"'),
    'SVG with a width and a view box': () => svg('width="100" viewBox="0 0 300 200"'),
    'SVG with a height in percent': () => svg('width="90.4" height="80%" viewBox="0,0 300.4,200.6"'),
    'SVG with a negative width': () => svg('width="-5" height="5" viewBox="0 0 300 200"'),
    'SVG with a size in a style': () => svg('style="width:77px;height:33px" width="5" height="5"'),
    'SVG whose root has a prefix': () =>
      Buffer.from('<svg:svg xmlns:svg="http://www.w3.org/2000/svg" width="1e2" height=".5e2"/>'),
    'SVG behind a long comment with another': () =>
      Buffer.concat([
        Buffer.from(`<!-- <svg width="1" height="2"/> ${'x'.repeat(30_000)} -->`),
        svg('width="9" height="7"'),
      ]),
    'SVG behind a document type with another': () =>
      Buffer.concat([
        Buffer.from(`<!DOCTYPE svg [<!ENTITY x '<svg width="3" height="4"/>'> <!-- <svg width="1"> -->]>`),
        svg('width="9" height="7"'),
      ]),
    'SVG compressed with gzip': () => gzipSync(svg('width="9" height="7"')),
    'SVG behind a declaration and a comment': () =>
      Buffer.concat([Buffer.from('\ufeff<?xml version="1.0"?>\n<!-- drawn -->\n'), svg('width="9" height="7"')]),
  };
  for (let orientation = 1; orientation <= 8; orientation++) {
    files[`JPEG of orientation ${orientation}`] = () => turned(orientation).jpeg().toBuffer();
  }

  it.each(Object.entries(files))('%s', async (_name, make) => {
    const bytes = await make();
    const { metadata } = await readBytes(bytes);
    const decoded = await sharp(bytes).metadata();
    expect(metadata).toEqual({
      size_bytes: bytes.length,
      mime_type: decoded.mediaType,
      format: decoded.format === 'heif' ? 'avif' : decoded.format,
      width: decoded.autoOrient.width,
      height: decoded.autoOrient.height,
      num_channels: decoded.channels,
      orientation: decoded.orientation ?? 1,
    });
  });
});

describe('knows a drawing as browsers do, where librsvg does otherwise:', () => {
  const DEFAULT = [300, 150];
  it.each([
    ['nothing is said', svg(''), DEFAULT],
    ['only a width', svg('width="100"'), [100, 150]],
    ['only percent', svg('width="100%" height="100%"'), DEFAULT],
    ['inches', svg('width="2in" height="1in"'), [192, 96]],
    ['millimetres and points', svg('width="25.4mm" height="72pt"'), [96, 96]],
    ['picas and centimetres', svg('width="6pc" height="2.54cm"'), [96, 96]],
    ['what depends on a font', svg('width="2em" height="4ex"'), [32, 32]],
    [
      'UTF-16',
      Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${svg('width="9" height="7"')}`, 'utf16le'),
      [9, 7],
    ],
    ['UTF-16 without its mark', Buffer.from(`${svg('width="9" height="7"')}`, 'utf16le'), [9, 7]],
    [
      'letters of Latin 1',
      Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?><!--\xe9-->${svg('width="9" height="7"')}`, 'latin1'),
      [9, 7],
    ],
    ['entities that are nowhere', Buffer.from('<!DOCTYPE svg><svg xmlns="&svg;" width="9" height="&h;"/>'), [9, 150]],
    [
      'a document without an end',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="7"><g'),
      [9, 7],
    ],
  ])('%s', async (_name, bytes, size) => {
    const { metadata } = await readBytes(bytes, 'drawing.svg');
    expect([metadata?.width, metadata?.height]).toEqual(size);
    expect(metadata).toMatchObject({ format: 'svg', mime_type: 'image/svg+xml', num_channels: 4, orientation: 1 });
  });
});

it.each([
  ['no width', svg('width="0" height="9"')],
  ['no end of its root in 64 KiB', svg(`id="${'x'.repeat(70_000)}" width="9"`)],
  [
    'entities of entities',
    Buffer.from(
      `<!DOCTYPE svg [${Array.from({ length: 900 }, (_, n) => `<!ENTITY a${n + 1} "&a${n};&a${n};">`).join('')}]><svg width="&a900;" height="0"/>`,
    ),
  ],
])('refuses a drawing with %s', async (_name, bytes) => {
  expect(await readBytes(bytes, 'drawing.svg')).toMatchObject({ error: { code: 'truncated_header' } });
});

it('reads of a drawing no more than its start, and nothing that it links to', { timeout: PATIENCE_MS }, async () => {
  const path = join(dir, 'long.svg');
  await writeFile(path, svg('width="9" height="7"').subarray(0, -6));
  // A decoder would take a minute and gigabytes for these.
  const elements = '<rect width="1" height="1"/>'.repeat(100_000);
  for (let n = 0; n < 30; n++) await appendFile(path, elements);
  execFileSync('mkfifo', [join(dir, 'pipe.txt')]);
  const including = svg('')
    .toString()
    .replace('<rect', '<include xmlns="http://www.w3.org/2001/XInclude" href="pipe.txt" parse="text"/><rect');
  const names = Array.from({ length: 20 }, (_, n) => join(dir, `including-${n}.svg`));
  for (const name of names) await writeFile(name, including);
  const outcomes = await readHeaders([path, ...names].map((name) => ({ path: name, sizeBytes: 1000 })));
  expect(outcomes.map(({ metadata }) => metadata?.format)).toEqual(outcomes.map(() => 'svg'));
});

it('swaps width and height of a picture on its side', async () => {
  const { metadata } = await readBytes(await turned(6).jpeg().toBuffer());
  expect(metadata).toMatchObject({ width: 40, height: 60, orientation: 6 });
});

it.each([
  [24, 30, 3],
  [32, -30, 4],
  [8, 30, 3],
])('reads a bitmap of %i bits, the right way up or not', async (bits, height, num_channels) => {
  const { metadata } = await readBytes(bitmap(50, height, bits));
  expect(metadata).toMatchObject({ format: 'bmp', mime_type: 'image/bmp', width: 50, height: 30, num_channels });
});

it('goes by the content, whatever the name says', async () => {
  const { metadata } = await readBytes(await picture().png().toBuffer(), 'really-a-png.jpg');
  expect(metadata).toMatchObject({ format: 'png', mime_type: 'image/png' });
});

it('sees that a file changed behind the same name', async () => {
  await readBytes(await picture().gif().toBuffer(), 'changing.gif');
  const { metadata } = await readBytes(svg('width="7" height="5"'), 'changing.gif');
  expect(metadata).toMatchObject({ format: 'svg', width: 7 });
  const again = await readBytes(svg('width="8" height="5"'), 'changing.gif');
  expect(again.metadata).toMatchObject({ format: 'svg', width: 8 });
});

it.each(['jpeg', 'png', 'webp', 'gif'] as const)('reads a %s cut short behind its header', async (format) => {
  const bytes = await turned(1).toFormat(format).toBuffer();
  const { metadata } = await readBytes(bytes.subarray(0, bytes.length - 300));
  expect(metadata).toMatchObject({ format, width: 60, height: 40 });
});

describe('names what is wrong with', () => {
  it('an empty file', async () => {
    expect(await readBytes('')).toEqual({ error: { code: 'empty_file', message: 'the file is empty' } });
  });

  it('a file that was emptied after it was listed', async () => {
    const path = join(dir, 'emptied.jpg');
    await writeFile(path, '');
    expect(await readHeaders([{ path, sizeBytes: 99 }])).toMatchObject([{ error: { code: 'empty_file' } }]);
  });

  it.each([
    ['text', 'This is a shopping list.'],
    ['text that starts as a bitmap does', 'BM is what I drive, said the man with the umbrella.'],
    ['a web page', '<!doctype html><html><body>404</body></html>'],
    ['a web page with a drawing', '<!doctype html><html><body><svg width="9" height="9"></svg></body></html>'],
    ['zeros', '\0'.repeat(3000)],
    ['one byte', '\xff'],
  ])('%s', async (_name, content) => {
    expect(await readBytes(content)).toMatchObject({ error: { code: 'not_an_image' } });
  });

  it('HEIC that ends behind its brands', async () => {
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0', 'latin1');
    const message = 'the HEIC header is cut short or damaged';
    expect(await readBytes(heic)).toEqual({ error: { code: 'truncated_header', message } });
  });

  it.each(['jpeg', 'png', 'webp', 'gif', 'avif'] as const)(
    'a %s cut short within its header, at any byte',
    async (format) => {
      const bytes = await picture().toFormat(format).toBuffer();
      const lengths = Array.from({ length: format === 'webp' ? 26 : 8 }, (_, n) => n + 3);
      const codes = new Set<string | undefined>();
      for (const length of lengths) codes.add((await readBytes(bytes.subarray(0, length))).error?.code);
      codes.delete('not_an_image');
      expect(codes).toEqual(new Set(['truncated_header']));
    },
  );

  it('a file that vanished', async () => {
    const outcomes = await readHeaders([{ path: join(dir, 'gone.jpg'), sizeBytes: 10 }]);
    expect(outcomes).toMatchObject([
      { error: { code: 'file_not_found', message: 'the file was gone when it was read' } },
    ]);
  });

  it('a link to nothing, and one to itself', async () => {
    const [dangling, loop] = [join(dir, 'dangling.jpg'), join(dir, 'round.jpg')];
    await symlink(join(dir, 'nothing.jpg'), dangling);
    await symlink(loop, loop);
    const outcomes = await readHeaders([dangling, loop].map((path) => ({ path, sizeBytes: 10 })));
    expect(outcomes).toMatchObject([
      { error: { code: 'file_not_found', message: 'a link to a file that is not there' } },
      { error: { code: 'io_error', message: 'a link that leads back to itself' } },
    ]);
  });

  it.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    const path = join(dir, 'secret.jpg');
    await writeFile(path, await picture().jpeg().toBuffer());
    await chmod(path, 0);
    expect(await readHeaders([{ path, sizeBytes: 10 }])).toMatchObject([{ error: { code: 'permission_denied' } }]);
  });

  it('a folder', async () => {
    const path = join(dir, 'folder.jpg');
    await mkdir(path);
    expect(await readHeaders([{ path, sizeBytes: 4096 }])).toMatchObject([{ error: { code: 'io_error' } }]);
  });

  it('a link to itself', async () => {
    const path = join(dir, 'loop.jpg');
    await symlink('loop.jpg', path);
    expect(await readHeaders([{ path, sizeBytes: 8 }])).toMatchObject([{ error: { code: 'io_error' } }]);
  });
});

it.each(['jpeg', 'gif'] as const)('opens a %s whose name is not UTF-8', async (format) => {
  const path = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xe9, 0x74, 0xe9, 0x2e])]);
  await writeFile(path, await picture().toFormat(format).toBuffer());
  expect(await readHeaders([{ path, sizeBytes: 10 }])).toMatchObject([{ metadata: { format, width: 60 } }]);
});

it('answers in the order of the question, whoever settled it', async () => {
  const kinds = ['jpeg', 'gif', 'png', 'tiff'] as const;
  const files = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => {
      const path = join(dir, `ordered-${n}`);
      const bytes = await picture()
        .resize(n + 1, 5, { fit: 'fill' })
        .toFormat(kinds[n % 4] as 'jpeg')
        .toBuffer();
      await writeFile(path, bytes);
      return { path, sizeBytes: bytes.length };
    }),
  );
  const outcomes = await readHeaders(files);
  expect(outcomes.map((outcome) => outcome.metadata?.width)).toEqual(files.map((_, n) => n + 1));
});

it('says something of every file that was damaged at random', async () => {
  const originals = await Promise.all(
    (['jpeg', 'png', 'webp', 'gif', 'tiff'] as const).map((format) => turned(6).toFormat(format).toBuffer()),
  );
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const files = await Promise.all(
    Array.from({ length: 500 }, async (_, n) => {
      const bytes = Buffer.from(originals[n % originals.length] as Buffer);
      for (let hits = 0; hits < 12; hits++) bytes[random(Math.min(bytes.length, 400))] = random(256);
      const path = join(dir, `damaged-${n}`);
      await writeFile(path, bytes);
      return { path, sizeBytes: bytes.length };
    }),
  );
  for (const { metadata, error } of await readHeaders(files)) {
    const isPlausible = metadata ? metadata.width > 0 && metadata.height > 0 : error.message !== '';
    expect(isPlausible).toBe(true);
  }
});
