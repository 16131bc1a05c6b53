import type { FileRef } from './files.ts';
import type { Sources } from './source.ts';

/** Concurrent file checks: enough to hide the latency of a network disk. */
const CONCURRENCY = 256;

/**
 * Returns the items whose files do not exist now. A file that can't be examined may exist. Calls `onStep` as files are
 * checked.
 */
export async function goneAmong<T>(
  sources: Sources,
  samples: readonly T[],
  fileOf: (sample: T) => FileRef,
  onStep: () => void,
): Promise<T[]> {
  const gone: T[] = [];
  for (let at = 0; at < samples.length; at += CONCURRENCY) {
    const batch = samples.slice(at, at + CONCURRENCY);
    const facts = await Promise.all(
      batch.map((sample) => {
        const file = fileOf(sample);
        return sources.of(file.path).stat(file);
      }),
    );
    gone.push(...batch.filter((_, i) => facts[i] === undefined));
    onStep();
  }
  return gone;
}
