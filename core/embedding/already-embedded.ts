import { isSameModel } from '../../contract/built-in-model.ts';
import { hasEmbeddingFailure } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { lacksAny } from './lacking.ts';
import { completedModels, type RecordedModel } from './retry-scope.ts';

/** A request to find out whether a dataset is embedded. */
export interface EmbeddedRequest {
  datasetId: string;
  /** The model, as a load names it. */
  model: string;
  /** Called regularly while the dataset is scanned. */
  onScan: () => void;
  signal: AbortSignal;
}

/**
 * The model if it has a vector of every sample, so that no device is needed to embed the dataset; undefined if there
 * may be work. Without a device, a model is known only by what it was called when it last embedded the dataset.
 */
export async function embeddedBy(
  store: Store,
  { datasetId, model, onScan, signal }: EmbeddedRequest,
): Promise<RecordedModel | undefined> {
  const isAsked = ({ key, asked }: RecordedModel) =>
    key === model || (asked !== undefined && isSameModel(asked, model));
  const recorded = (await completedModels(store, datasetId)).findLast(isAsked);
  if (recorded === undefined || (await hasEmbeddingFailure(store, datasetId))) return undefined;
  const lacks = await lacksAny(store, { datasetId, modelKey: recorded.key, onScan, signal });
  return lacks ? undefined : recorded;
}
