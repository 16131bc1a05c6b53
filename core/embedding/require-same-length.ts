import { UserError } from '../errors.ts';
import { dimensionOf } from '../store/embeddings.ts';
import type { Store } from '../store/store.ts';
import type { EmbeddingModel } from './embedder.ts';

/**
 * Requires that the vectors which a dataset has under a model's key are as long as those that the model makes. Ours are;
 * somebody may have imported others under that key.
 *
 * @throws UserError InvalidInput
 */
export async function requireSameLength(
  store: Store,
  datasetId: string,
  { key, dim }: Pick<EmbeddingModel, 'key' | 'dim'>,
): Promise<void> {
  const stored = await dimensionOf(store, { datasetId, modelKey: key });
  if (stored === undefined || stored === dim) return;
  throw new UserError(
    'InvalidInput',
    `model: ${datasetId} has imported vectors of ${stored} numbers under the key ${key}, and the model makes ${dim}. ` +
      `Nothing was changed. Drop them first: plimsoll models drop ${datasetId} ${key}`,
    { fields: ['model'] },
  );
}
