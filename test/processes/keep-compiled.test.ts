import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startProcess } from '../../core/processes/killable-process.ts';

const CHILD = JSON.stringify(join(import.meta.dirname, '../../core/processes/child.ts'));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-keep-compiled-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

it('keeps what a process has compiled that never exits by itself', async () => {
  const cache = join(dir, 'cache');
  vi.stubEnv('NODE_COMPILE_CACHE', cache);
  const file = join(dir, 'echo.mjs');
  await writeFile(file, `import { answerParent } from ${CHILD};\nanswerParent(async (order) => order);\n`);
  const child = startProcess({ file, does: 'repeats', execArgv: [], threads: 1 }, () => {});
  try {
    expect(await child.ask({ word: 'again' })).toEqual({ result: { word: 'again' } });

    // Node makes the folder at the start, and a file for each module as it keeps them.
    const files = async () =>
      (await readdir(cache, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
    await expect.poll(files).not.toEqual([]);
  } finally {
    child.kill();
  }
});
