import { datasetExists } from '../../core/store/datasets.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { findSample } from '../../core/store/samples.ts';
import type { Store } from '../../core/store/store.ts';
import { problemOf } from '../problem/to-problem.ts';

/** Reads a sample by its number. @throws ProblemError SampleNotFound, DatasetNotFound */
export async function getSample(store: Store, dataset: string, seq: number): Promise<SampleDocument> {
  const sample = await findSample(store, dataset, seq);
  if (sample !== undefined) return sample;
  if (!(await datasetExists(store, dataset))) throw problemOf('DatasetNotFound', `There is no dataset "${dataset}".`);
  throw problemOf('SampleNotFound', `The dataset "${dataset}" has no sample ${seq}.`);
}
