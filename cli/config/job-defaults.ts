import type { EmbedDatasetRequest, LoadDatasetRequest } from '../../contract/inputs.ts';
import type { ConfigFile } from './read-config.ts';
import { CHUNK_PREFIX } from './tables.ts';

/** What the file says of a job: fields of its input. The window's time zone may be left out there. */
export type JobDefaults = Partial<Omit<LoadDatasetRequest & EmbedDatasetRequest, 'dataset' | 'source' | 'embed_at'>>;

/** A field of a job's input, and the table and key that it comes from. */
export interface DefaultField {
  field: string;
  value: unknown;
  table: string;
  key: string;
}

/**
 * The fields that the file gives to a job, later ones over earlier ones: the switches of [search] say the least, [embed]
 * is for all jobs that embed, [chunks] and [load] for loads alone.
 */
export function defaultFields(values: ConfigFile['values'], kind: 'load' | 'embed'): DefaultField[] {
  const { search, embed = {}, load = {}, chunks = {} } = values;
  const fieldsOf = (table: string, entries: Readonly<Record<string, unknown>>, prefix = '') =>
    Object.entries(entries).map(([key, value]) => ({ field: prefix + key, value, table, key }));
  const switches: DefaultField[] = [];
  if (search?.enable_index_building === false)
    switches.push({ field: 'index', value: 'none', table: 'search', key: 'enable_index_building' });
  if (kind === 'embed') return [...switches, ...fieldsOf('embed', embed)];
  if (search?.enable_background_indexing === false)
    switches.push({ field: 'embed', value: false, table: 'search', key: 'enable_background_indexing' });
  return [
    ...switches,
    ...fieldsOf('embed', embed),
    ...fieldsOf('chunks', chunks, CHUNK_PREFIX),
    ...fieldsOf('load', load),
  ];
}

/** The same as part of the job's input. */
export const jobDefaults = (values: ConfigFile['values'], kind: 'load' | 'embed'): JobDefaults =>
  Object.fromEntries(defaultFields(values, kind).map(({ field, value }) => [field, value]));
