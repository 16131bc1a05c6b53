import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache-folder.ts';

const run = promisify(execFile);

/** Installs the packages of a package.json once for all checkouts. Returns the folder that has its node_modules. */
export async function installNodePackages(manifest: string): Promise<string> {
  const text = await readFile(manifest, 'utf8');
  const hash = createHash('sha256').update(process.version).update(text);
  const folder = join(cacheFolder(process.env), 'node', hash.digest('hex').slice(0, 16));
  if (await stat(folder).catch(() => undefined)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = `${folder}.${randomUUID()}`;
  await mkdir(draft);
  await writeFile(join(draft, 'package.json'), text);
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
  await run('npm', ['install', ...quiet], { cwd: draft });
  // Another run may have been faster; then its folder is as good.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true, force: true }));
  return folder;
}
