import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { claimFolder, claimIfFree } from '../../core/search/claim-folder.ts';

let root: string;
let wanted: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'plimsoll-claim-'));
  wanted = join(root, 'building');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A process that claims the folder, says which one it got, and lives on. */
async function claimingProcess() {
  const module = new URL('../../core/search/claim-folder.ts', import.meta.url).href;
  const script = `
    const { claimFolder } = await import(${JSON.stringify(module)});
    const claimed = await claimFolder(process.argv[1]);
    process.on('message', () => claimed.release());
    process.send(claimed.folder);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, wanted], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [folder] = (await once(child, 'message')) as [string];
  return { folder, child };
}

/** The folder that this process gets, given back at once. */
async function claimable(): Promise<string> {
  const claimed = await claimFolder(wanted);
  claimed.release();
  return claimed.folder;
}

it('keeps a folder for a living process, even a frozen one, and gives it to the next when that was killed', async () => {
  const { folder, child } = await claimingProcess();
  expect(folder).toBe(wanted);
  expect(await claimable()).toBe(`${wanted}-2`);
  child.kill('SIGSTOP');
  expect(await claimable()).toBe(`${wanted}-2`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await claimable()).toBe(wanted);
});

it('gives each of many that ask at once a folder of its own, and the same ones again', async () => {
  const expected = [wanted, `${wanted}-2`, `${wanted}-3`];
  for (let round = 0; round < 2; round += 1) {
    const claimed = await Promise.all([1, 2, 3].map(() => claimFolder(wanted)));
    expect(claimed.map(({ folder }) => folder).sort()).toEqual(expected);
    for (const one of claimed) one.release();
  }
});

it('leaves what is in a folder, and adds only its lock', async () => {
  (await claimFolder(wanted)).release();
  await writeFile(join(wanted, 'rows'), 'rows');
  const claimed = await claimFolder(wanted);
  expect((await readdir(wanted)).sort()).toEqual(['lock', 'rows']);
  claimed.release();
});

it("says why a folder can't be locked", async () => {
  const none = join(root, 'none');
  await expect(claimIfFree(none)).rejects.toThrow(`${none} can't be locked: unable to open database file.`);
});
