import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { BinarySpec } from './binary.ts';
import { runClient } from './client.ts';

const VERSION_WITHIN_MS = 60_000;

/**
 * Runs a program to learn its version. Rejects with the reason if it can't run, or is another program or version.
 * Rejects with `ClientStopped` if it was stopped first.
 */
export async function inspectBinary(
  spec: BinarySpec,
  path: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  const output = await runClient(path, ['--version'], { env, signal, timeoutMs: VERSION_WITHIN_MS });
  const version = spec.readVersion(output);
  if (version === undefined) throw new Error(`it is not ${spec.title}: --version printed "${output.slice(0, 80)}"`);
  if (!spec.accepts(version)) throw new Error(`it is version ${version}, wanted is ${spec.wanted}`);
  return version;
}

/** Finds the first program of that name on PATH; undefined if there is none. */
export async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    const runnable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runnable) return path;
  }
  return undefined;
}
