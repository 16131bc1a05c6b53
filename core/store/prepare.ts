import { UserError } from '../errors.ts';
import { collectionsOf } from './collections.ts';
import type { Store } from './store.ts';

/**
 * The version of the stored data. A change that older code can't read increments it. docs/ARCHITECTURE.md, "Changing
 * what is stored", describes how the change migrates existing data.
 */
export const SCHEMA_VERSION = 1;

/**
 * Prepares a database: checks its schema version, records the version in a new database, and creates the indexes. Safe
 * to run at each start, and from several processes at once.
 *
 * @throws UserError SchemaTooOld, SchemaTooNew
 */
export async function prepareDatabase(store: Store): Promise<void> {
  await requireSchemaVersion(store);
  await noteSchemaVersion(store);
  await createIndexes(store);
}

/** Notes the version where none is noted: the database is new, or was dropped under a process that has prepared it. */
export async function noteSchemaVersion(store: Store): Promise<void> {
  const { meta } = collectionsOf(store);
  await meta.updateOne({ _id: 'schema' }, { $setOnInsert: { version: SCHEMA_VERSION } }, { upsert: true });
}

/**
 * Refuses a database written by older or newer code. Accepts a new, empty one.
 *
 * @throws UserError SchemaTooOld, SchemaTooNew
 */
export async function requireSchemaVersion(store: Store): Promise<void> {
  const { meta, datasets } = collectionsOf(store);
  const found = await meta.findOne({ _id: 'schema' });
  // Version 0.1.0 recorded no version.
  const version = found?.version ?? ((await isUsed(store)) ? 0 : SCHEMA_VERSION);
  if (version === SCHEMA_VERSION) return;
  const { dbName } = datasets;
  if (version > SCHEMA_VERSION) {
    throw new UserError(
      'SchemaTooNew',
      `Database "${dbName}" was written by a newer Plimsoll (schema ${version}; this one knows ${SCHEMA_VERSION}). ` +
        'Update this Plimsoll, or name another database in MONGODB_URI.',
    );
  }
  throw new UserError(
    'SchemaTooOld',
    `Database "${dbName}" was written by an older Plimsoll (schema ${version}; this one needs ${SCHEMA_VERSION}), ` +
      'and there is no migration from it. ' +
      'Name another database in MONGODB_URI and load the folders again, or drop this one.',
  );
}

/** Whether an earlier version has left datasets or jobs. That version called jobs loads. */
async function isUsed(store: Store): Promise<boolean> {
  const { datasets, meta } = collectionsOf(store);
  if ((await datasets.findOne({}, { projection: { _id: 1 } })) !== null) return true;
  return (await meta.db.collection('loads').findOne({}, { projection: { _id: 1 } })) !== null;
}

/** Names of the indexes that queries name explicitly: the error index has the same keys as the seq index. */
export const SAMPLE_INDEXES = {
  seq: 'dataset_id_1_seq_1',
  path: 'dataset_id_1_filepath_1_part_1',
  tag: 'dataset_id_1_tags_1_seq_1',
  status: 'dataset_id_1_status_1_seq_1',
  error: 'errors',
  words: 'words',
  classes: 'classes',
  split: 'splits',
} as const;

/** The names of the indexes that searches name explicitly. */
export const VECTOR_INDEXES = {
  seq: 'dataset_id_1_model_key_1_seq_1',
  written: 'dataset_id_1_model_key_1_written_1_seq_1',
} as const;

/** The name of the index on a searchable field of a medium's metadata. */
export const metadataIndex = (field: string) => `dataset_id_1_metadata.${field}_1_seq_1`;

/** Metadata fields that have an index. Every medium provides a `format`. */
export const INDEXED_METADATA = ['format'] as const;

async function createIndexes(store: Store): Promise<void> {
  const { samples, embeddings, jobs, progress, pages, duplicates, staged_annotations, sessions, start_keys } =
    collectionsOf(store);
  await Promise.all([
    samples.createIndexes([
      { key: { dataset_id: 1, filepath: 1, part: 1 }, unique: true },
      { key: { dataset_id: 1, seq: 1 }, unique: true },
      { key: { dataset_id: 1, 'source.mtime_ns': 1, seq: 1 } },
      { key: { dataset_id: 1, 'source.size_bytes': 1, seq: 1 } },
      { key: { dataset_id: 1, status: 1, seq: 1 } },
      { key: { dataset_id: 1, tags: 1, seq: 1 } },
      ...INDEXED_METADATA.map((field) => ({ key: { dataset_id: 1, [`metadata.${field}`]: 1, seq: 1 } as const })),
      { key: { dataset_id: 1, seq: 1 }, name: 'errors', partialFilterExpression: { error: { $exists: true } } },
      {
        // It has the seq, so that what was written last is read from the index alone.
        key: { dataset_id: 1, words_written: 1, seq: 1 },
        name: 'words',
        partialFilterExpression: { words_written: { $exists: true } },
      },
      {
        key: { dataset_id: 1, 'classes.label': 1, seq: 1 },
        name: 'classes',
        partialFilterExpression: { classes: { $exists: true } },
      },
      {
        key: { dataset_id: 1, split: 1, seq: 1 },
        name: 'splits',
        partialFilterExpression: { split: { $exists: true } },
      },
    ]),
    embeddings.createIndexes([
      { key: { dataset_id: 1, model_key: 1, seq: 1 }, unique: true },
      { key: { dataset_id: 1, model_key: 1, content: 1 } },
      // It has the seq, as that of words.
      { key: { dataset_id: 1, model_key: 1, written: 1, seq: 1 } },
    ]),
    jobs.createIndexes([
      { key: { started_at: -1, _id: -1 } },
      { key: { dataset_id: 1, started_at: -1, _id: -1 } },
      { key: { state: 1, started_at: -1, _id: -1 } },
      { key: { kind: 1, started_at: -1, _id: -1 } },
    ]),
    progress.createIndexes([{ key: { job_id: 1, phase: 1 } }]),
    duplicates.createIndexes([
      { key: { dataset_id: 1, job_id: 1, group: 1 }, unique: true },
      { key: { dataset_id: 1, job_id: 1, kind: 1, group: 1 } },
    ]),
    staged_annotations.createIndexes([{ key: { job_id: 1, set: 1, bucket: 1 } }]),
    start_keys.createIndexes([{ key: { expires_at: 1 }, expireAfterSeconds: 0 }]),
    pages.createIndexes([{ key: { job_id: 1, n: 1 }, unique: true }]),
    sessions.createIndexes([{ key: { expires_at: 1 }, expireAfterSeconds: 0 }]),
  ]);
}
