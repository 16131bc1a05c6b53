import type { SampleState } from './api/shapes.ts';

/** The filter of a dataset's samples. It is kept in the address bar under the API's parameter names. */
export interface Filters {
  status: SampleState | '';
  tag: string;
  tags_all: string[];
  tags_any: string[];
  tags_none: string[];
  /** Only samples with an object of this class. */
  label: string;
  /** Only samples with annotations in this field: of the class `label`, if that is set. */
  field: string;
  split: string;
  format: string;
  path_prefix: string;
  /** Free text in the path. */
  q: string;
  min_width: number | null;
  max_width: number | null;
  min_height: number | null;
  max_height: number | null;
  min_page: number | null;
  max_page: number | null;
  min_tokens: number | null;
  max_tokens: number | null;
  min_bytes: number | null;
  max_bytes: number | null;
  /** `any`, a stage, or an error's code. */
  error: string;
}

export const NUMBER_FILTERS = [
  'min_width',
  'max_width',
  'min_height',
  'max_height',
  'min_page',
  'max_page',
  'min_tokens',
  'max_tokens',
  'min_bytes',
  'max_bytes',
] as const satisfies readonly (keyof Filters)[];
const TEXT_FILTERS = [
  'tag',
  'label',
  'field',
  'split',
  'format',
  'path_prefix',
  'q',
  'error',
] as const satisfies readonly (keyof Filters)[];
export const TAG_FILTERS = ['tags_all', 'tags_any', 'tags_none'] as const satisfies readonly (keyof Filters)[];
const STATES: readonly SampleState[] = ['indexed', 'failed', 'missing'];

export const NO_FILTERS: Filters = filtersFrom(new URLSearchParams());

/** Parses the filter of a URL and ignores invalid values. */
export function filtersFrom(query: URLSearchParams): Filters {
  const text = (name: string) => query.get(name)?.trim() ?? '';
  const number = (name: string) => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : null);
  return {
    status: STATES.find((state) => state === query.get('status')) ?? '',
    tag: text('tag'),
    tags_all: query.getAll('tags_all'),
    tags_any: query.getAll('tags_any'),
    tags_none: query.getAll('tags_none'),
    // A class is a name of any form: spaces at its ends count.
    label: query.get('label') ?? '',
    field: text('field'),
    split: text('split'),
    format: text('format'),
    path_prefix: text('path_prefix'),
    q: text('q'),
    min_width: number('min_width'),
    max_width: number('max_width'),
    min_height: number('min_height'),
    max_height: number('max_height'),
    min_page: number('min_page'),
    max_page: number('max_page'),
    min_tokens: number('min_tokens'),
    max_tokens: number('max_tokens'),
    min_bytes: number('min_bytes'),
    max_bytes: number('max_bytes'),
    error: text('error'),
  };
}

/** Formats a filter for a URL, in a fixed order, so that equal filters are equal strings. */
export function queryOf(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  if (filters.status !== '') query.set('status', filters.status);
  for (const name of TEXT_FILTERS) if (filters[name] !== '') query.set(name, filters[name]);
  for (const name of TAG_FILTERS) for (const tag of filters[name]) query.append(name, tag);
  for (const name of NUMBER_FILTERS) if (filters[name] !== null) query.set(name, String(filters[name]));
  return query;
}

/** Whether a field of a filter narrows it. */
export const isSet = (wanted: Filters[keyof Filters]) =>
  Array.isArray(wanted) ? wanted.length > 0 : wanted !== '' && wanted !== null;

/** The filter as part of a request body. */
export function filterBody(filters: Filters): Record<string, unknown> {
  return Object.fromEntries(Object.entries(filters).filter(([, wanted]) => isSet(wanted)));
}

export const withQuery = (path: string, query: URLSearchParams) => (query.size === 0 ? path : `${path}?${query}`);
