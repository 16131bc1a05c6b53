/** Imports of vectors: the samples that rows mean, what they have, and how far a job is. */
import type { ImportedStatus } from '../../contract/imported.ts';
import { collectionsOf } from './collections.ts';
import type { EmbeddingDocument, ImportPosition, SampleDocument } from './documents.ts';
import type { VectorSet } from './embeddings.ts';
import { notEnded } from './jobs.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { PATHS_A_QUERY, slicesOf } from './slices.ts';
import type { Store } from './store.ts';

/** The fields of a sample that a vector of it needs. */
export type SampleToImport = Pick<SampleDocument, '_id' | 'seq' | 'filepath' | 'part' | 'status' | 'content'> & {
  source: Pick<SampleDocument['source'], 'fingerprint' | 'reread_by'>;
};

const PROJECTION = {
  seq: 1,
  filepath: 1,
  part: 1,
  status: 1,
  content: 1,
  'source.fingerprint': 1,
  'source.reread_by': 1,
} as const;

/** The samples of these seqs, in no order. */
export async function samplesToImport(
  store: Store,
  datasetId: string,
  seqs: readonly number[],
): Promise<SampleToImport[]> {
  if (seqs.length === 0) return [];
  const filter = { dataset_id: datasetId, seq: { $in: [...seqs] } };
  const options = { projection: PROJECTION, hint: SAMPLE_INDEXES.seq, ...oneBatch(seqs.length) };
  return collectionsOf(store).samples.find(filter, options).toArray() as Promise<SampleToImport[]>;
}

/** The first two samples of each of these files, in no order: more tell no more. */
export async function samplesOfFiles(
  store: Store,
  datasetId: string,
  filepaths: readonly string[],
): Promise<SampleToImport[]> {
  const found: SampleToImport[] = [];
  for (const slice of slicesOf(filepaths, PATHS_A_QUERY)) {
    const filter = { dataset_id: datasetId, filepath: { $in: slice }, part: { $in: [0, 1] } };
    const options = { projection: PROJECTION, hint: SAMPLE_INDEXES.path, ...oneBatch(2 * slice.length) };
    found.push(...((await collectionsOf(store).samples.find(filter, options).toArray()) as SampleToImport[]));
  }
  return found;
}

/** The numbers of all samples, in order. */
export async function seqsOf(store: Store, datasetId: string): Promise<number[]> {
  const samples = collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId },
      { projection: { _id: 0, seq: 1 }, hint: SAMPLE_INDEXES.seq, batchSize: 10_000 },
    )
    .sort({ seq: 1 });
  return (await samples.toArray()).map(({ seq }) => seq);
}

/** What is stored beside a vector. */
export type StoredVector = Pick<
  EmbeddingDocument,
  'seq' | 'sample_id' | 'model_key' | 'version' | 'content' | 'imported'
>;

/** The vectors of these samples in all these models, without their elements. */
export async function storedVectors(
  store: Store,
  { datasetId, models, seqs }: { datasetId: string; models: readonly string[]; seqs: readonly number[] },
): Promise<StoredVector[]> {
  if (seqs.length === 0) return [];
  return collectionsOf(store)
    .embeddings.find(
      { dataset_id: datasetId, model_key: { $in: [...models] }, seq: { $in: [...seqs] } },
      oneBatch(seqs.length * models.length),
    )
    .project<StoredVector>({ _id: 0, seq: 1, sample_id: 1, model_key: 1, version: 1, content: 1, imported: 1 })
    .toArray();
}

/** Counts the vectors that an import has brought. It reads all vectors of the model. */
export async function countImported(store: Store, { datasetId, modelKey }: VectorSet, jobId: string): Promise<number> {
  const filter = { dataset_id: datasetId, model_key: modelKey, 'imported.job_id': jobId };
  return collectionsOf(store).embeddings.countDocuments(filter);
}

/** Notes how far the import of an open job is. Status and position are those of one moment. Returns whether it is open. */
export async function noteImport(
  store: Store,
  jobId: string,
  imported: ImportedStatus,
  import_position: ImportPosition,
): Promise<boolean> {
  const change = { $set: { imported, import_position } };
  return (await collectionsOf(store).jobs.updateOne({ _id: jobId, ...notEnded }, change)).matchedCount > 0;
}

/** Notes how an open job's import ended. */
export async function noteImported(store: Store, jobId: string, imported: ImportedStatus): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId, ...notEnded }, { $set: { imported } });
}
