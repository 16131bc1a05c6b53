import { CHOICE_FIELDS, RANGE_FIELDS } from '../../core/media/fields.ts';
import type { SampleFilter as StoreFilter } from '../../core/store/search-samples.ts';
import { foldersToSearch, prefixesOf } from '../present/paths.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { SampleFilter } from '../schemas/samples.ts';
import type { Scope } from '../schemas/server.ts';

type Given = { [K in keyof SampleFilter]?: SampleFilter[K] | undefined };

/** Converts the caller's filter for the store. Callers of read scope can't probe absolute paths with it. */
export function storeFilter(filter: Given, sources: readonly string[], scope: Scope): StoreFilter {
  const {
    status,
    tag,
    tags_all,
    tags_any,
    tags_none,
    label,
    field,
    split,
    error,
    min_bytes,
    max_bytes,
    path_prefix,
    q,
  } = filter;
  return {
    status,
    tag,
    tags_all,
    tags_any,
    tags_none,
    label,
    field,
    split,
    error,
    min_bytes,
    max_bytes,
    ...metadataFilter(filter),
    ...(path_prefix === undefined ? {} : { prefixes: prefixes(path_prefix, sources, scope) }),
    ...(q === undefined ? {} : { text: { needle: q, below: foldersToSearch(sources) } }),
  };
}

/** The metadata fields of the media. */
function metadataFilter(filter: Given): Pick<StoreFilter, 'equal' | 'between'> {
  const given: Readonly<Record<string, unknown>> = filter;
  const number = (name: string) => given[name] as number | undefined;
  const equal = Object.keys(CHOICE_FIELDS)
    .filter((name) => given[name] !== undefined)
    .map((name) => [name, String(given[name])]);
  const between = Object.keys(RANGE_FIELDS)
    .map((name) => [name, { min: number(`min_${name}`), max: number(`max_${name}`) }] as const)
    .filter(([, { min, max }]) => min !== undefined || max !== undefined);
  return {
    ...(equal.length === 0 ? {} : { equal: Object.fromEntries(equal) }),
    ...(between.length === 0 ? {} : { between: Object.fromEntries(between) }),
  };
}

function prefixes(prefix: string, sources: readonly string[], scope: Scope): string[] {
  if (!prefix.startsWith('/')) return prefixesOf(prefix, sources);
  if (scope === 'operate') return [prefix];
  throw problemOf('ScopeMissing', 'path_prefix: absolute paths need a token of the scope operate.');
}
