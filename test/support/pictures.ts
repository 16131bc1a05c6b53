import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

export interface PictureOptions {
  /** Number of the first picture. The same number gives the same picture, byte for byte. */
  first?: number;
  format?: 'jpeg' | 'png' | 'webp';
  /** Number of pictures per subfolder. By default all are in `dir`. */
  perFolder?: number;
}

const IN_FLIGHT = 8;

/** So many JPEGs are drawn. Those of larger numbers repeat them, each with its number in a comment: drawing takes 2 ms. */
const DRAWN = 256;
const drawn = new Map<number, Promise<Buffer>>();

/** Writes `count` small pictures (64 x 48, in different colours) and returns their paths, in order. */
export async function makePictures(dir: string, count: number, options: PictureOptions = {}): Promise<string[]> {
  const { first = 0, format = 'jpeg', perFolder = Number.POSITIVE_INFINITY } = options;
  const paths = Array.from({ length: count }, (_, n) => {
    const folder = Number.isFinite(perFolder) ? `folder-${String(Math.floor(n / perFolder)).padStart(3, '0')}` : '';
    return join(dir, folder, `picture-${String(first + n).padStart(6, '0')}.${format === 'jpeg' ? 'jpg' : format}`);
  });
  for (const folder of new Set(paths.map(dirname))) await mkdir(folder, { recursive: true });
  let next = 0;
  const drawUntilDone = async () => {
    for (let n = next++; n < count; n = next++)
      await writeFile(paths[n] as string, await drawPicture(first + n, format));
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, drawUntilDone));
  return paths;
}

/** The picture of a number: soft patches of colour. No two numbers give the same bytes. */
export async function drawPicture(number: number, format: 'jpeg' | 'png' | 'webp' = 'jpeg'): Promise<Buffer> {
  if (format !== 'jpeg') return draw(number, format);
  const repeated = number % DRAWN;
  const picture = drawn.get(repeated) ?? draw(repeated, format);
  drawn.set(repeated, picture);
  return number < DRAWN ? picture : withComment(await picture, String(number));
}

/** Puts a comment behind a JPEG's first marker. */
function withComment(jpeg: Buffer, text: string): Buffer {
  const comment = Buffer.alloc(4 + text.length);
  comment.writeUInt16BE(0xfffe, 0);
  comment.writeUInt16BE(2 + text.length, 2);
  comment.write(text, 4);
  return Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
}

function draw(number: number, format: 'jpeg' | 'png' | 'webp'): Promise<Buffer> {
  const patches = Buffer.alloc(6 * 5 * 3);
  let state = Math.imul(number + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < patches.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    patches[i] = state >>> 24;
  }
  return sharp(patches, { raw: { width: 6, height: 5, channels: 3 } })
    .resize(64, 48, { fit: 'fill', kernel: 'cubic' })
    .toFormat(format)
    .toBuffer();
}
