import type { ImportedStatus } from '../../contract/imported.ts';
import { lacksAny } from '../embedding/lacking.ts';
import { UserError } from '../errors.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import { writeModel } from '../store/datasets.ts';
import { countVectors, dimensionOf, partsOfKey } from '../store/embeddings.ts';
import type { Store } from '../store/store.ts';

/**
 * Records on the dataset that a model has vectors now. It is complete if every indexed sample has one. The first model
 * serves the searches. Unlike an embedding it notes no name that was asked for, so that no embedding takes the vectors
 * for those of a model of that name.
 *
 * @throws UserError NothingImported if no sample has a vector
 * @throws UserError DatasetNotFound when the dataset was deleted meanwhile
 */
export async function recordImport(
  store: Store,
  {
    datasetId,
    modelKey,
    imported,
    onStep,
    signal,
  }: { datasetId: string; modelKey: string; imported: ImportedStatus; onStep: () => void; signal: AbortSignal },
): Promise<{ dim: number }> {
  const set = { datasetId, modelKey };
  const planned_at = new Date();
  const dim = await dimensionOf(store, set);
  if (imported.vectors === 0 || dim === undefined) throw nothingImported(datasetId, imported);
  const isComplete = !(await lacksAny(store, { ...set, onScan: onStep, signal }));
  const now = new Date();
  const entry = {
    key: modelKey,
    ...partsOfKey(modelKey),
    dim,
    vectors: await countVectors(store, set),
    last_modified_at: now,
    ...(isComplete ? { completed_at: now, planned_at } : {}),
  };
  if (!(await writeModel(store, datasetId, entry, 'first'))) throw datasetDeletedMeanwhile(datasetId);
  return { dim };
}

function nothingImported(datasetId: string, { path, rows, unknown, invalid, invalid_named }: ImportedStatus) {
  const left = Object.values(invalid).reduce((sum, n) => sum + n, 0);
  const first = invalid_named[0];
  return new UserError(
    'NothingImported',
    `${path} has no vector of a sample of ${datasetId}: of its ${rows} rows, ${unknown} are of samples that the dataset ` +
      `does not have or could not read, and ${left} can't be used${first === undefined ? '' : ` (row ${first.row}: ${first.message})`}.`,
  );
}
