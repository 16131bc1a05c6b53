/**
 * Writes photograph-like JPEG files to measure with: seeded, all distinct, with sizes distributed as in COCO.
 *
 *     node bench/images.ts DIR COUNT [--small] [--seed N]
 *
 * A few base pictures are encoded. The others are copies that differ in a comment segment, so that a hundred thousand
 * files cost only their writing.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

export interface BenchImages {
  dir: string;
  count: number;
  seed?: number;
  /** `photograph`: about 150 KB per file, as in COCO. `small`: about 5 KB (8 on disk), for a million files. */
  weight?: 'photograph' | 'small';
}

const FILES_PER_FOLDER = 1000;
const BASE_PICTURES = 200;
const WRITES_IN_FLIGHT = 16;
const MANIFEST = 'manifest.json';

/** Width, height and frequency, as counted in COCO's train2017. */
const COCO_SIZES: readonly [width: number, height: number, weight: number][] = [
  [640, 480, 25],
  [640, 427, 17],
  [480, 640, 8],
  [427, 640, 5],
  [640, 426, 6],
  [640, 428, 4],
  [500, 375, 6],
  [640, 640, 4],
  [640, 425, 4],
  [612, 612, 3],
  [375, 500, 2],
  [640, 360, 4],
  [640, 424, 3],
  [500, 333, 3],
  [333, 500, 1],
  [640, 512, 1],
];

/**
 * Writes `count` images below `dir`, in folders of a thousand. If `dir` already holds exactly these, nothing is
 * written. If it holds others and this function created it, it is emptied first.
 */
export async function makeImages({ dir, count, seed = 1, weight = 'photograph' }: BenchImages): Promise<void> {
  const manifest = `${JSON.stringify({ count, seed, weight, format: 1 })}\n`;
  const found = await readFile(join(dir, MANIFEST), 'utf8').catch(() => undefined);
  if (found === manifest) return;
  if (found !== undefined) await rm(dir, { recursive: true });
  await mkdir(dir, { recursive: true });
  // A half-written folder has a manifest without a count, by which the next run may empty it.
  await writeFile(join(dir, MANIFEST), `${JSON.stringify({ count: null })}\n`);

  const bases = await drawBasePictures(Math.min(BASE_PICTURES, count), seed, weight);
  for (let first = 0; first < count; first += FILES_PER_FOLDER) {
    await mkdir(join(dir, folderName(first)), { recursive: true });
  }
  let next = 0;
  const writeUntilDone = async () => {
    for (let n = next++; n < count; n = next++) {
      const base = bases[n % bases.length] as Buffer;
      await writeFile(join(dir, imageName(n)), withComment(base, `plimsoll bench image ${n} of seed ${seed}`));
    }
  };
  await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, writeUntilDone));
  await writeFile(join(dir, MANIFEST), manifest);
}

const folderName = (n: number) => String(Math.floor(n / FILES_PER_FOLDER)).padStart(4, '0');

const imageName = (n: number) => join(folderName(n), `${String(n).padStart(12, '0')}.jpg`);

/** Inserts a comment segment after the first segment, because JFIF's must directly follow the start of the image. */
function withComment(jpeg: Buffer, comment: string): Buffer {
  const firstSegmentEnd = 4 + jpeg.readUInt16BE(4);
  const text = Buffer.from(comment);
  const head = Buffer.from([0xff, 0xfe, 0, 0]);
  head.writeUInt16BE(text.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, firstSegmentEnd), head, text, jpeg.subarray(firstSegmentEnd)]);
}

async function drawBasePictures(count: number, seed: number, weight: 'photograph' | 'small'): Promise<Buffer[]> {
  const pictures: Buffer[] = new Array(count);
  let next = 0;
  const drawUntilDone = async () => {
    for (let n = next++; n < count; n = next++) pictures[n] = await drawPicture(seed * 1_000_003 + n, weight);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, drawUntilDone));
  return pictures;
}

/** Draws layers of random colour from coarse to fine, with the falling spectrum of a photograph. */
async function drawPicture(seed: number, weight: 'photograph' | 'small'): Promise<Buffer> {
  const random = xorshift(seed);
  const [width, height] = pickSize(random);
  if (weight === 'small') {
    const cells = await noise(random, width, height, 160);
    return sharp(cells, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 40 })
      .toBuffer();
  }
  const layers = await Promise.all(
    [40, 12, 4, 1].map(async (cell) => ({
      input: await noise(random, width, height, cell),
      raw: { width, height, channels: 3 as const },
      blend: 'soft-light' as const,
    })),
  );
  const ground = await noise(random, width, height, 160);
  return sharp(ground, { raw: { width, height, channels: 3 } })
    .composite(layers)
    .jpeg({ quality: 80 + Math.floor(random() * 12) })
    .toBuffer();
}

/** RGB pixels of smooth noise whose features are about `cell` pixels wide. */
function noise(random: () => number, width: number, height: number, cell: number): Promise<Buffer> {
  const columns = Math.max(2, Math.ceil(width / cell));
  const rows = Math.max(2, Math.ceil(height / cell));
  const cells = Buffer.alloc(columns * rows * 3);
  for (let i = 0; i < cells.length; i++) cells[i] = 256 * random();
  return sharp(cells, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}

function pickSize(random: () => number): readonly [number, number, number] {
  let rest = random() * COCO_SIZES.reduce((sum, [, , weight]) => sum + weight, 0);
  for (const size of COCO_SIZES) {
    rest -= size[2];
    if (rest < 0) return size;
  }
  return [640, 480, 0];
}

function xorshift(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { small: { type: 'boolean' }, seed: { type: 'string' } },
  });
  const [dir, count] = positionals;
  if (dir === undefined || !Number.isSafeInteger(Number(count)) || Number(count) < 1) {
    console.error('usage: node bench/images.ts DIR COUNT [--small] [--seed N]');
    process.exit(2);
  }
  const started = performance.now();
  const weight = values.small ? 'small' : 'photograph';
  await makeImages({ dir, count: Number(count), weight, seed: Number(values.seed ?? 1) });
  console.error(`${count} images in ${dir}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
