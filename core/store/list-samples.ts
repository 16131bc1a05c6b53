import type { Filter } from 'mongodb';
import type { PhaseName } from '../../contract/job.ts';
import { datasetNotFound } from './dataset-errors.ts';
import type { SampleDocument } from './documents.ts';
import type { Store } from './store.ts';

export interface SampleQuery {
  datasetId: string;
  /** Only samples behind this seq: `next` of the page before. */
  after?: number | undefined;
  /** At most this many. */
  limit: number;
  status?: SampleDocument['status'] | undefined;
  /** Only samples whose file or image went wrong, in this stage or in any. */
  withError?: PhaseName | 'any' | undefined;
}

export interface SamplePage {
  /** In seq order. */
  samples: SampleDocument[];
  /** Pass as `after` for the next page; null on the last. */
  next: number | null;
}

/** A page of a dataset's samples, by keyset: the cost is that of the page, however far into the dataset it lies. */
export async function listSamples(store: Store, query: SampleQuery): Promise<SamplePage> {
  const { datasetId, after, limit, status, withError } = query;
  const filter: Filter<SampleDocument> = {
    dataset_id: datasetId,
    ...(after === undefined ? {} : { seq: { $gt: after } }),
    ...(status === undefined ? {} : { status }),
    ...(withError === undefined
      ? {}
      : { error: { $exists: true }, ...(withError === 'any' ? {} : { 'error.stage': withError }) }),
  };
  // One more than asked for tells whether there is a next page.
  const found = await store.samples
    .find(filter)
    .sort({ seq: 1 })
    .limit(limit + 1)
    .toArray();
  const samples = found.slice(0, limit);
  return { samples, next: found.length > limit ? (samples.at(-1)?.seq ?? null) : null };
}

/** @throws UserError DatasetNotFound */
export async function findDataset(store: Store, datasetId: string, notFound = datasetNotFound) {
  const dataset = await store.datasets.findOne({ _id: datasetId });
  if (dataset !== null) return dataset;
  throw notFound(datasetId);
}
