import type { EmbedDatasetRequest, LoadDatasetRequest } from '../../contract/inputs.ts';
import { type Dtype, modelNameOf, parseModelName } from '../../contract/model-name.ts';
import type { ConfigFile } from './read-config.ts';

/** All that the file says of a job: fields of its input. The window's time zone may be left out there. */
export type JobDefaults = Partial<
  Omit<LoadDatasetRequest & EmbedDatasetRequest, 'dataset' | 'source' | 'artifact' | 'artifact_index' | 'embed_at'>
>;

/** Fields that the file gives to a job, and the table and key that they come from. */
interface Layer {
  fields: Readonly<Record<string, unknown>>;
  placeOf: (field: string) => readonly [table: string, key: string];
}

/**
 * The file's word on a job, later layers over earlier ones: the switches of [search] say the least, [embed] is for all
 * jobs that embed, [load] for loads alone.
 */
function layersOf({ search, embed = {}, load = {}, chunks }: ConfigFile['values'], kind: 'load' | 'embed'): Layer[] {
  const table = (name: string, fields: Layer['fields']): Layer => ({ fields, placeOf: (field) => [name, field] });
  const switchedOff = (key: string, fields: Layer['fields']): Layer[] =>
    search?.[key] === false ? [{ fields, placeOf: () => ['search', key] }] : [];
  const ofAll = [...switchedOff('enable_index_building', { index: 'none' }), table('embed', embed)];
  if (kind === 'embed') return ofAll;
  return [
    ...switchedOff('enable_background_indexing', { embed: false }),
    ...ofAll,
    table('load', chunks === undefined ? load : { ...load, chunks }),
  ];
}

/** All that the file says of a job, as part of the job's input. */
export const jobDefaults = (values: ConfigFile['values'], kind: 'load' | 'embed'): JobDefaults =>
  Object.assign({}, ...layersOf(values, kind).map(({ fields }) => joined(fields)));

/** Fields of a table, with the variant as part of the model's name, as in inputs. */
export function joined({ dtype, ...fields }: Layer['fields']): Layer['fields'] {
  if (dtype === undefined) return fields;
  return { ...fields, model: modelNameOf({ ...parseModelName(String(fields.model)), dtype: dtype as Dtype }) };
}

/** The value that a field of a job gets from the file, with its table and key; undefined if the file says nothing. */
export function defaultOf(
  values: ConfigFile['values'],
  kind: 'load' | 'embed',
  field: string,
): { value: unknown; place: readonly [table: string, key: string] } | undefined {
  // A variant is that of the model that holds, and not of one that another table names.
  const deciding = field === 'dtype' ? 'model' : field;
  const layer = layersOf(values, kind).findLast(({ fields }) => Object.hasOwn(fields, deciding));
  return layer && { value: layer.fields[field], place: layer.placeOf(field) };
}
