import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cpuTicksOf, isAlive } from '../support/processes.ts';

const WATCHDOG = JSON.stringify(join(import.meta.dirname, '../../core/processes/watchdog.ts'));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-watchdog-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A program that works under watch. */
async function program(name: string, maxMb: number, work: string): Promise<string> {
  const file = join(dir, `${name}.mjs`);
  await writeFile(
    file,
    `import { startWatchdog } from ${WATCHDOG};
     const watched = await startWatchdog(${maxMb} * 1024 * 1024);
     await watched(async () => { ${work} });`,
  );
  return file;
}

it('ends a process whose buffers take too much memory, in the midst of its work, and says why', async () => {
  const file = await program(
    'memory',
    300,
    'const kept = []; while (kept.length < 1500) kept.push(Buffer.alloc(1 << 20, 1));',
  );
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(said).toBe('out of memory');
  expect(signal).toBe('SIGKILL');
});

it('lets a process be that takes less', async () => {
  const file = await program('little', 300, 'Buffer.alloc(1 << 20, 1);');
  const child = spawn(process.execPath, [file], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('ends a process whose parent is gone, in the midst of its work', async () => {
  const file = await program('orphan', 1000, 'for (;;);');
  const script = `
    import { spawn } from 'node:child_process';
    console.log(spawn(process.execPath, [${JSON.stringify(file)}], { stdio: 'ignore' }).pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  try {
    await expect.poll(() => cpuTicksOf(pid)).toBeGreaterThan(60);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});
