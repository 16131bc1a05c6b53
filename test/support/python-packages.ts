import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache-folder.ts';

const run = promisify(execFile);

/** Installs Python packages once for all checkouts, apart from the system's Python. Returns the folder, for PYTHONPATH. */
export async function installPythonPackages(requirements: string): Promise<string> {
  const { stdout: version } = await run('python3', ['--version']);
  const hash = createHash('sha256')
    .update(version)
    .update(await readFile(requirements));
  const folder = join(cacheFolder(process.env), 'python', hash.digest('hex').slice(0, 16));
  if (await stat(folder).catch(() => undefined)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = `${folder}.${randomUUID()}`;
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', draft, '-r', requirements]);
  // Another run may have been faster; then its folder is as good.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true, force: true }));
  return folder;
}
