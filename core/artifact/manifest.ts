import { createHash } from 'node:crypto';
import { z } from 'zod';

const manifestSchema = z.object({
  format: z.number(),
  dataset: z.string(),
  created_at: z.string(),
  chunks: z.int().min(0),
  documents: z.int().min(0),
  sha256: z.string(),
  runs: z.array(z.tuple([z.int().min(1), z.int().min(1)])),
});

/** All that an artifact holds. It is in the first frames, and once more in the last ones. */
export interface ArtifactManifest {
  format: number;
  dataset: string;
  /** RFC 3339, as the caller gave it. */
  created_at: string;
  chunks: number;
  documents: number;
  /** SHA-256 of the records of all chunks, one after the other, in hexadecimal. */
  sha256: string;
  /** How many frames chunks take: [chunks, frames of each], in the order of the chunks. */
  runs: [chunks: number, frames: number][];
}

/** @throws Error if the record is no manifest */
export function parseManifest(record: Buffer): ArtifactManifest {
  return manifestSchema.parse(JSON.parse(record.toString('utf8')));
}

/** Counts chunks while they pass. Its memory grows with the number of documents, not of chunks. */
export function createManifestCounter(): {
  add(document: string, record: Uint8Array): void;
  counts(): Pick<ArtifactManifest, 'chunks' | 'documents' | 'sha256'>;
} {
  const hash = createHash('sha256');
  const documents = new Set<string>();
  let chunks = 0;
  return {
    add(document, record) {
      hash.update(record);
      documents.add(document);
      chunks += 1;
    },
    counts: () => ({ chunks, documents: documents.size, sha256: hash.copy().digest('hex') }),
  };
}

/** Joins neighbours that take equally many frames. */
export function runsOf(pieces: Iterable<number>): ArtifactManifest['runs'] {
  const runs: ArtifactManifest['runs'] = [];
  for (const frames of pieces) {
    const last = runs.at(-1);
    if (last?.[1] === frames) last[0] += 1;
    else runs.push([1, frames]);
  }
  return runs;
}
