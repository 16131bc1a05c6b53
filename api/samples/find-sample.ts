import type { SampleDocument } from '../../core/store/documents.ts';
import type { Store } from '../../core/store/store.ts';
import { problemOf } from '../problem/to-problem.ts';

/** @throws ProblemError SampleNotFound, DatasetNotFound */
export async function findSample(store: Store, dataset: string, seq: number): Promise<SampleDocument> {
  const sample = await store.samples.findOne({ dataset_id: dataset, seq });
  if (sample !== null) return sample;
  const known = await store.datasets.countDocuments({ _id: dataset }, { limit: 1 });
  if (known === 0) throw problemOf('DatasetNotFound', `There is no dataset "${dataset}".`);
  throw problemOf('SampleNotFound', `The dataset "${dataset}" has no sample ${seq}.`);
}
