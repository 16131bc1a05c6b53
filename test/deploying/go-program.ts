import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache-folder.ts';
import { Unavailable } from '../support/wheel-file.ts';

const run = promisify(execFile);

/** A build of hundreds of packages takes half of the CPU time without optimisations and debug information. */
const QUICKLY = ['-gcflags=all=-N -l -dwarf=false', '-ldflags=-s -w'];

/**
 * Builds the program of a folder with `main.go`, `go.mod` and `go.sum`, once for all checkouts. Returns its path.
 *
 * @throws Unavailable without Go or the modules; Go's message if the program has a fault
 */
export async function buildGoProgram(folder: string): Promise<string> {
  const sources = await Promise.all(['main.go', 'go.mod', 'go.sum'].map((file) => readFile(join(folder, file))));
  const { stdout: version } = await run('go', ['version']).catch(() => {
    throw new Unavailable('`go` is not on PATH. Install Go 1.26 or later.');
  });
  const hash = sources.reduce((sum, source) => sum.update(source), createHash('sha256').update(version)).digest('hex');
  const program = join(cacheFolder(process.env), 'go-programs', `${basename(folder)}-${hash.slice(0, 16)}`);
  if (await stat(program).catch(() => undefined)) return program;
  await mkdir(dirname(program), { recursive: true });
  await run('go', ['mod', 'download'], { cwd: folder }).catch((error) => {
    throw new Unavailable(`Go can't fetch the modules of ${basename(folder)}: ${error.stderr}`);
  });
  const draft = `${program}.${randomUUID()}`;
  await run('go', ['build', ...QUICKLY, '-o', draft, '.'], { cwd: folder });
  await rename(draft, program);
  return program;
}
