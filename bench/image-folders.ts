import { mkdir, readFile, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext } from './context.ts';
import { makeImages } from './images.ts';

export type Weight = 'photograph' | 'small';

/** Size of a file on disk, in bytes. */
const BYTES_ON_DISK = { photograph: 156_000, small: 8_350 };

/** Size of a sample in a stack's folder, indexed by Plimsoll and by the floor, in bytes. 2.2 KB were measured. */
const STORED_BYTES = 3000;
const STACK_BYTES = 1.5 * 2 ** 30;

/** A measurement needs more disk space than is free. */
export class DiskFullError extends Error {
  readonly code = 'DiskFull';

  constructor(folder: string, neededBytes: number, freeBytes: number) {
    super(
      `${folder} has ${gigabytes(freeBytes)} free, ${gigabytes(neededBytes)} are needed. ` +
        'Make room, or name a folder on another disk: --images DIR for the images, TMPDIR for the databases.',
    );
    this.name = 'DiskFullError';
  }
}

/**
 * Returns the folder of `count` images, and creates it unless an earlier run did.
 *
 * @throws DiskFullError before anything is written
 */
export async function imageFolder(context: BenchContext, weight: Weight, count: number): Promise<string> {
  const dir = join(context.imagesDir, `${weight}-${count}`);
  await mkdir(context.imagesDir, { recursive: true });
  const imageBytes = (await isMade(dir, count)) ? 0 : count * BYTES_ON_DISK[weight];
  const storeBytes = STACK_BYTES + count * STORED_BYTES;
  const sameDisk = (await stat(context.imagesDir)).dev === (await stat(tmpdir())).dev;
  await checkRoom(context.imagesDir, imageBytes + (sameDisk ? storeBytes : 0));
  if (!sameDisk) await checkRoom(tmpdir(), storeBytes);

  if (imageBytes > 0) context.report(`making ${count} images (${gigabytes(imageBytes)}) in ${dir}`);
  await makeImages({ dir, count, weight });
  return dir;
}

async function checkRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < neededBytes) throw new DiskFullError(folder, neededBytes, bavail * bsize);
}

async function isMade(dir: string, count: number): Promise<boolean> {
  const manifest = await readFile(join(dir, 'manifest.json'), 'utf8').catch(() => '{}');
  return (JSON.parse(manifest) as { count?: unknown }).count === count;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
