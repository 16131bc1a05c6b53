import { GROUND_TRUTH } from '../../contract/annotations.ts';
import { VECTOR_FORMATS } from '../../contract/exports.ts';
import type { ExportDatasetInput } from '../../contract/inputs.ts';
import { UserError } from '../errors.ts';
import { modelToSearch } from '../search/model-to-search.ts';
import { getDataset } from '../store/datasets.ts';
import type { Store } from '../store/store.ts';

/**
 * Requires that a dataset has what an export is to write: the field, unless it is the usual one, and the vectors.
 *
 * @returns the key of the model whose vectors are written, if any are
 * @throws UserError DatasetNotFound, InvalidInput, NoVectors, ModelNotInDataset
 */
export async function requireExportable(
  store: Store,
  { dataset, field, format, vectors }: Pick<ExportDatasetInput, 'dataset' | 'field' | 'format' | 'vectors'>,
): Promise<string | undefined> {
  const document = await getDataset(store, dataset);
  const fields = (document.annotation_fields ?? []).map(({ name }) => name);
  // A dataset without annotations can be exported, too: its images, or its vectors.
  if (field !== GROUND_TRUTH && !fields.includes(field)) {
    const has = fields.length === 0 ? 'It has none.' : `It has: ${fields.join(', ')}.`;
    throw new UserError('InvalidInput', `field: ${dataset} has no annotations in the field ${field}. ${has}`, {
      fields: ['field'],
    });
  }
  if (vectors === undefined && !VECTOR_FORMATS.includes(format)) return undefined;
  return (await modelToSearch(store, document, vectors)).key;
}
