import type { Collection, Db } from 'mongodb';
import type {
  DatasetDocument,
  DuplicatesDocument,
  EmbeddingDocument,
  JobDocument,
  LimitDocument,
  PageDocument,
  ProgressDocument,
  ReadingDocument,
  SampleDocument,
  SessionDocument,
  StagedDocument,
  StartKeyDocument,
} from './documents.ts';
import type { Store } from './store.ts';

/** The collections of a store. */
export interface Collections {
  datasets: Collection<DatasetDocument>;
  samples: Collection<SampleDocument>;
  embeddings: Collection<EmbeddingDocument>;
  jobs: Collection<JobDocument>;
  progress: Collection<ProgressDocument>;
  pages: Collection<PageDocument>;
  limits: Collection<LimitDocument>;
  duplicates: Collection<DuplicatesDocument>;
  staged_annotations: Collection<StagedDocument>;
  annotation_readings: Collection<ReadingDocument>;
  sessions: Collection<SessionDocument>;
  start_keys: Collection<StartKeyDocument>;
  meta: Collection<MetaDocument>;
}

/** The database's own metadata: a single document. */
export interface MetaDocument {
  _id: 'schema';
  version: number;
}

const known = new WeakMap<Store, Collections>();

/** The store's collections. Only core/store calls this; other code calls the functions of that folder. */
export function collectionsOf(store: Store): Collections {
  const collections = known.get(store);
  if (collections === undefined) throw new Error('This store was not made by openStore or storeOf.');
  return collections;
}

/** Registers the collections of a new store. */
export function bindCollections(store: Store, db: Db): void {
  known.set(store, {
    datasets: db.collection('datasets'),
    samples: db.collection('samples'),
    embeddings: db.collection('embeddings'),
    jobs: db.collection('jobs'),
    progress: db.collection('progress'),
    pages: db.collection('pages'),
    limits: db.collection('limits'),
    duplicates: db.collection('duplicates'),
    staged_annotations: db.collection('staged_annotations'),
    annotation_readings: db.collection('annotation_readings'),
    sessions: db.collection('sessions'),
    start_keys: db.collection('start_keys'),
    meta: db.collection('meta'),
  });
}
