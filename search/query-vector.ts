import { UserError } from '../core/errors.ts';
import type { SearchModel } from '../core/search/model-to-search.ts';
import type { DatasetDocument } from '../core/store/documents.ts';
import { sampleWithVector } from '../core/store/search-vectors.ts';
import type { Store } from '../core/store/store.ts';

/**
 * Checks a caller's vector of finite numbers. Scales it, so that the float32 of a very long or very short vector is neither infinite nor
 * zero.
 *
 * @throws UserError InvalidVector
 */
export function callersVector(elements: readonly number[], { key, dim }: SearchModel): Float32Array {
  if (elements.length !== dim)
    throw new UserError('InvalidVector', `The vector has ${elements.length} elements; those of ${key} have ${dim}.`);
  const largest = elements.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
  if (largest === 0) throw new UserError('InvalidVector', 'The vector is all zeros, so nothing is near to it.');
  return Float32Array.from(elements, (element) => element / largest);
}

/**
 * Reads the stored vector of a sample.
 *
 * @throws UserError SampleNotFound, SampleWithoutVector
 */
export async function vectorOf(
  store: Store,
  dataset: DatasetDocument,
  { key }: SearchModel,
  seq: number,
): Promise<Float32Array> {
  const found = await sampleWithVector(store, { datasetId: dataset._id, modelKey: key }, seq);
  if (found === undefined) throw new UserError('SampleNotFound', `The dataset "${dataset._id}" has no sample ${seq}.`);
  if (found.vector !== undefined) return found.vector;
  const { error } = found.sample;
  throw new UserError(
    'SampleWithoutVector',
    `Sample ${seq} of ${dataset._id} has no vector of ${key}: ${
      error === undefined
        ? 'what it holds now was not embedded yet'
        : error.stage === 'embedding'
          ? `it could not be embedded (${error.code})`
          : `it could not be read (${error.code})`
    }.`,
  );
}
