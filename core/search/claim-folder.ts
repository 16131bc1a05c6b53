import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A folder that no other process writes to. Disposing gives it back, with what is in it. */
export interface ClaimedFolder extends AsyncDisposable {
  folder: string;
}

/**
 * Claims a folder for this process, or another one beside it if a living process has it, or one of another machine. A
 * worker that was frozen may write on when its attempt has long been given to another.
 */
export async function claimFolder(wanted: string): Promise<ClaimedFolder> {
  await mkdir(wanted, { recursive: true });
  const mine = `${hostname()} ${process.pid}`;
  if (await claim(join(wanted, 'owner'), mine)) return claimed(wanted);
  const other = `${wanted}-${randomUUID().slice(0, 8)}`;
  await mkdir(other, { recursive: true });
  await claim(join(other, 'owner'), mine);
  return claimed(other);
}

const claimed = (folder: string): ClaimedFolder => ({
  folder,
  [Symbol.asyncDispose]: () => rm(join(folder, 'owner'), { force: true }),
});

/** Writes the owner's name if there is none, or its process has ended. */
async function claim(path: string, name: string): Promise<boolean> {
  const isWritten = () =>
    writeFile(path, name, { flag: 'wx' }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
  if (await isWritten()) return true;
  const [host, pid] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
  if (host !== hostname() || isAlive(Number(pid))) return false;
  await rm(path, { force: true });
  return isWritten();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
