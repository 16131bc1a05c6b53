import type { SourceFile } from '../sources/folder/walk.ts';
import type { SampleDocument } from '../store/documents.ts';

/** The fields of a stored sample that decide whether its file has to be read again. */
export interface StoredSample {
  seq: number;
  filepath: string;
  status: SampleDocument['status'];
  source: { fingerprint: string };
}

export interface Difference {
  added: SourceFile[];
  changed: { file: SourceFile; seq: number }[];
  unchanged: number;
  gone: StoredSample[];
}

/**
 * Compares a stretch of a listing with what is stored of the same stretch.
 * A sample that failed is read again each time: its reason may have passed. One that was missing and is back counts as changed.
 */
export function diffStretch(files: readonly SourceFile[], stored: readonly StoredSample[]): Difference {
  const unseen = new Map(stored.map((sample) => [sample.filepath, sample]));
  const difference: Difference = { added: [], changed: [], unchanged: 0, gone: [] };
  for (const file of files) {
    const sample = unseen.get(file.path);
    unseen.delete(file.path);
    if (sample === undefined) difference.added.push(file);
    else if (sample.status === 'indexed' && sample.source.fingerprint === file.fingerprint) difference.unchanged += 1;
    else difference.changed.push({ file, seq: sample.seq });
  }
  difference.gone = [...unseen.values()];
  return difference;
}
