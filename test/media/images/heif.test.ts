import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodePixels } from '../../../core/media/images/decode.ts';
import { createDecoders } from '../../../core/media/images/decoder/decoders.ts';
import { decodeHeif } from '../../../core/media/images/heif.ts';
import type { PixelGeometry } from '../../../core/media/images/resize.ts';
import { weightOf } from '../../../core/media/images/weight.ts';
import { identityOf } from '../../../core/sources/identity.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import { standStill } from '../../support/stand-still.ts';

const SMALL = join(import.meta.dirname, 'cases/heic.heic');
/** 6000 x 4800 red pixels in 7 KB, which take seconds. */
const LARGE = join(import.meta.dirname, 'heif/large.heic');
const SIZE = { width: 4, height: 4 };
const GEOMETRY: PixelGeometry = { resize: { fit: 'fill', ...SIZE, kernel: 'nearest' }, crop: SIZE };

const thumbnailOf = (path: string) => ({
  type: 'thumbnail' as const,
  image: { path: Buffer.from(path), identity: identityOf(lstatSync(path, { bigint: true })) },
  side: 32,
});

it('ends a picture at its deadline, and decodes the next', { timeout: PATIENCE_MS }, async () => {
  await expect(decodeHeif(readFileSync(LARGE), 0.1)).rejects.toMatchObject({ code: 'decode_timeout' });
  expect(await decodeHeif(readFileSync(SMALL), 60)).toMatchObject({ width: 64, height: 40 });
});

it('takes no picture for late that was decoded while its own process stood still', {
  timeout: PATIENCE_MS,
}, async () => {
  const content = readFileSync(SMALL);
  await decodeHeif(content, 60);
  await setImmediate();
  const decoded = decodeHeif(content, 1);
  standStill(2000);
  expect(await decoded).toMatchObject({ width: 64, height: 40 });
});

it('leaves no thread behind, at a deadline or when it is idle', { timeout: PATIENCE_MS }, () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { decodeHeif } from ${JSON.stringify(new URL('../../../core/media/images/heif.ts', import.meta.url).href)};
    await decodeHeif(readFileSync(${JSON.stringify(LARGE)}), 0.1).catch(({ code }) => console.log(code));
    console.log((await decodeHeif(readFileSync(${JSON.stringify(SMALL)}), 60)).width);
  `;
  // A process with a thread that is not ended never ends.
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], options);
  expect(output).toBe('decode_timeout\n64\n');
});

it('decodes several pictures at once, and one after the other in the same thread', {
  timeout: PATIENCE_MS,
}, async () => {
  const content = readFileSync(SMALL);
  for (let round = 0; round < 2; round++) {
    const pictures = await Promise.all([1, 2, 3].map(() => decodeHeif(content, 60)));
    for (const { pixels } of pictures) {
      expect(pixels).toHaveLength(64 * 40 * 4);
      expect(Math.abs((pixels[0] as number) - 220)).toBeLessThan(4);
    }
  }
});

it('costs a decoder process only the picture that takes too long', { timeout: PATIENCE_MS }, async () => {
  const decoders = createDecoders({ most: 1 });
  try {
    await decoders.ask({ type: 'metadata', images: [] }, 60_000);
    await expect(decoders.ask(thumbnailOf(LARGE), 300)).rejects.toMatchObject({ code: 'decode_timeout' });
    const thumbnail = await decoders.ask(thumbnailOf(SMALL), 60_000);
    expect(await sharp(thumbnail).metadata()).toMatchObject({ format: 'webp', width: 32, height: 20 });
  } finally {
    decoders.close();
  }
});

it('refuses more pixels than allowed before it decodes them', async () => {
  const limits = { maxPixels: 1_000_000, timeoutSeconds: 60 };
  await expect(decodePixels({ path: LARGE }, GEOMETRY, limits)).rejects.toMatchObject({
    code: 'too_many_pixels',
    message: '28,800,000 pixels; the limit is 1,000,000 (PLIMSOLL_MAX_PIXELS)',
  });
});

it('refuses a picture that is larger than its header says', { timeout: PATIENCE_MS }, async () => {
  const bytes = readFileSync(LARGE);
  const size = bytes.indexOf('ispe');
  bytes.writeUInt32BE(64, size + 8);
  bytes.writeUInt32BE(48, size + 12);
  await expect(decodePixels({ bytes }, GEOMETRY)).rejects.toMatchObject({ code: 'decode_failed' });
});

it.each([0.5, 0.9])(
  'calls a picture damaged that is cut at %f of its length',
  { timeout: PATIENCE_MS },
  async (share) => {
    const bytes = readFileSync(SMALL);
    await expect(decodePixels({ bytes: bytes.subarray(0, bytes.length * share) }, GEOMETRY)).rejects.toMatchObject({
      code: 'decode_failed',
      message: expect.stringMatching(/^the file is damaged/),
    });
  },
);

it('weighs a picture by what libheif and its copies take', () => {
  const bytes = readFileSync(LARGE);
  expect(weightOf(bytes, bytes.length)).toBe(6000 * 4800 * 16);
});
