import { stat } from 'node:fs/promises';
import { systemErrorCode } from '../errors.ts';
import type { SampleDocument } from '../store/documents.ts';

type SampleFile = Pick<SampleDocument, 'filepath' | 'filepath_bytes'>;

/** Stats under way at once; enough to hide the latency of a network disk. */
const STAT_BATCH = 256;

/** Those of the samples that have no file now. One that can't be examined may have one. `onStep` is called as files are looked at. */
export async function withoutFile<T extends SampleFile>(samples: readonly T[], onStep: () => void): Promise<T[]> {
  const gone: T[] = [];
  for (let at = 0; at < samples.length; at += STAT_BATCH) {
    const batch = samples.slice(at, at + STAT_BATCH);
    const areGone = await Promise.all(batch.map(isGone));
    gone.push(...batch.filter((_, i) => areGone[i]));
    onStep();
  }
  return gone;
}

/** No such name, or a part of its path is a file now. */
const GONE = new Set(['ENOENT', 'ENOTDIR']);

async function isGone({ filepath, filepath_bytes }: SampleFile): Promise<boolean> {
  try {
    const found = await stat(filepath_bytes === undefined ? filepath : Buffer.from(filepath_bytes.buffer));
    return !found.isFile();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return GONE.has(code);
  }
}
