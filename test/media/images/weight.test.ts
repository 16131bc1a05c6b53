import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { createPermits } from '../../../core/concurrency/permits.ts';
import { createDecoders } from '../../../core/media/images/decoder/decoders.ts';
import { weightOf } from '../../../core/media/images/weight.ts';
import { identityOf } from '../../../core/sources/identity.ts';

const large = () => sharp({ create: { width: 6000, height: 5000, channels: 3, background: 'navy' } });
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${'<g/>'.repeat(100_000)}</svg>`;
const MIB = 1024 * 1024;

const FILES: [name: string, make: () => Promise<Buffer>, isHeavy: boolean][] = [
  ['PNG', () => large().png().toBuffer(), false],
  ['interlaced PNG', () => large().png({ progressive: true }).toBuffer(), true],
  ['JPEG', () => large().jpeg().toBuffer(), false],
  ['progressive JPEG', () => large().jpeg({ progressive: true }).toBuffer(), true],
  ['WebP', () => large().webp({ effort: 0 }).toBuffer(), true],
  ['drawing of many elements', async () => Buffer.from(drawing), true],
];

/** Returns by how much one order raises a decoder's peak memory. */
async function measure(path: string): Promise<number> {
  const decoders = createDecoders({ most: 1 });
  try {
    await decoders.ask({ type: 'metadata', images: [] }, 10_000);
    const [pid] = decoders.pids() as [number];
    const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
    const before = peak();
    const identity = identityOf(await stat(path, { bigint: true }));
    await decoders.ask({ type: 'thumbnail', image: { path: Buffer.from(path), identity }, side: 128 }, 60_000);
    return peak() - before;
  } finally {
    decoders.close();
  }
}

it.skipIf(process.platform !== 'linux').each(FILES)('weighs a %s by what it takes', async (name, make, isHeavy) => {
  const dir = await mkdtemp(join(tmpdir(), 'plimsoll-weight-'));
  try {
    const bytes = await make();
    const path = join(dir, name);
    await writeFile(path, bytes);
    const weight = weightOf(bytes.subarray(0, 65_536), bytes.length);
    const taken = await measure(path);
    // Every picture takes some memory besides its weight.
    expect(taken).toBeLessThan(weight + 64 * MIB);
    expect(weight > 100 * MIB || weight > taken / 2).toBe(isHeavy);
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('takes for the heaviest what does not tell', () => {
  const packed = gzipSync(drawing);
  expect(weightOf(packed, packed.length)).toBeGreaterThan(drawing.length * 100);
  const cut = Buffer.from([0xff, 0xd8, 0xff, 0xe5, 0xff, 0xff]);
  expect(weightOf(cut, 1000)).toBe(Number.POSITIVE_INFINITY);
});

it('lets in only what there is room for, in turn', async () => {
  const permits = createPermits(100);
  const order: string[] = [];
  const ask = async (name: string, bytes: number) => {
    const giveBack = await permits.take(bytes);
    order.push(name);
    return giveBack;
  };
  const first = await ask('first', 60);
  const second = await ask('second', 40);
  const heavy = ask('heavier than all', Number.POSITIVE_INFINITY);
  const light = ask('light', 1);
  first();
  first();
  await Promise.resolve();
  expect(order).toEqual(['first', 'second']);
  second();
  (await heavy)();
  (await light)();
  expect(order).toEqual(['first', 'second', 'heavier than all', 'light']);
});
