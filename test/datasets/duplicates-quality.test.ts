import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALTERATIONS, drawVaried } from '../support/altered-copies.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 400;
/** So many of them have three altered copies: 1,000 files in all. */
const COPIED = 200;
/** The threshold that docs/operating.md names for the built-in model. */
const THRESHOLD = 0.985;
const IN_FLIGHT = 8;

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench?.stop());

/** Writes pictures as NUMBER-0, and their altered copies as NUMBER-1 to NUMBER-3. */
async function drawAll(folder: string): Promise<void> {
  await mkdir(folder);
  let next = 0;
  const drawUntilDone = async () => {
    for (let n = next++; n < PICTURES; n = next++) {
      const picture = await drawVaried(n);
      await writeFile(join(folder, `${n}-0.jpg`), picture);
      if (n >= COPIED) continue;
      for (const [i, alter] of ALTERATIONS.entries())
        await writeFile(join(folder, `${n}-${i + 1}.jpg`), await alter(picture));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, drawUntilDone));
}

it('finds the altered copies among 1,000 pictures, and no others', async () => {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  await drawAll(source);
  expect(await bench.load({ dataset, source })).toMatchObject({ phases: { embedding: { done: 1000, failed: 0 } } });
  const { job_id } = await bench.findDuplicates({ dataset, threshold: THRESHOLD });
  expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', compared: { total: 1000 } });

  const found = new Map<string, string>();
  for (let cursor: string | undefined; ; ) {
    const { groups, next } = await bench.duplicates(dataset, { limit: 200, cursor });
    for (const { members } of groups) {
      const names = members.map(({ sample }) => sample.filepath.slice(source.length + 1, -'.jpg'.length)).sort();
      for (const name of names) found.set(name, names.join(' '));
    }
    if (next === null) break;
    cursor = next;
  }
  const isRight = (n: number) => {
    const copies = n < COPIED ? [0, 1, 2, 3].map((i) => `${n}-${i}`) : undefined;
    return found.get(`${n}-0`) === copies?.join(' ');
  };
  const right = Array.from({ length: PICTURES }, (_, n) => n).filter(isRight).length;
  expect(right / PICTURES).toBeGreaterThanOrEqual(0.95);
});
