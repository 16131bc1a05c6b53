import { reasonOf } from '../../local/errors.ts';
import type { BinarySpec } from '../../local/provision/binary.ts';
import { cacheEntry, checkEntry } from '../../local/provision/cache.ts';
import { findOnPath, inspectBinary } from '../../local/provision/inspect.ts';
import { BINARIES } from '../../local/provision/provision.ts';
import { type Check, ok, problem, warning } from './check.ts';

/** Finds the programs that `plimsoll up` would run. Fetches nothing. */
export function checkBinaries(env: NodeJS.ProcessEnv): Promise<Check[]> {
  return Promise.all(Object.values(BINARIES).map((spec) => checkBinary(spec, env)));
}

async function checkBinary(spec: BinarySpec, env: NodeJS.ProcessEnv): Promise<Check> {
  const name = `Program ${spec.name}`;
  const chosen = env[spec.variable];
  if (chosen) {
    return inspectBinary(spec, chosen, env).then(
      (version) => ok(name, `${version}, ${chosen} (${spec.variable})`),
      (error) => problem(name, `${spec.variable}=${chosen}: ${reasonOf(error)}`, 'Correct the path, or unset it.'),
    );
  }
  for (const path of await candidates(spec, env)) {
    const version = await inspectBinary(spec, path, env).catch(() => undefined);
    if (version !== undefined) return ok(name, `${version}, ${path}`);
  }
  return warning(
    name,
    'not on this machine',
    `"plimsoll up" fetches it once if it needs it. Or ${spec.advice.at(-1)}.`,
  );
}

/** Paths in the order in which `up` tries them: PATH, then the cache. */
async function candidates(spec: BinarySpec, env: NodeJS.ProcessEnv): Promise<string[]> {
  const onPath = await findOnPath(spec.name, env);
  const versions = [...new Set(spec.origins.map(({ version }) => version))];
  const entries = versions.map((version) => cacheEntry(env, spec, version));
  const whole = await Promise.all(
    entries.map(async (entry) => ((await checkEntry(entry)) === 'whole' ? [entry.path] : [])),
  );
  return [...(onPath === undefined ? [] : [onPath]), ...whole.flat()];
}
