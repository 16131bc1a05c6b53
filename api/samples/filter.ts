import type { SampleFilter as StoreFilter } from '../../core/store/find-samples.ts';
import { foldersToSearch, prefixesOf } from '../present/paths.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { SampleFilter } from '../schemas/samples.ts';
import type { Scope } from '../schemas/server.ts';

type Given = { [K in keyof SampleFilter]?: SampleFilter[K] | undefined };

/** The caller's filter as the store takes it. A caller of read scope can't feel its way along absolute paths. */
export function storeFilter(filter: Given, sources: readonly string[], scope: Scope): StoreFilter {
  const { path_prefix, q, ...rest } = filter;
  return {
    ...rest,
    ...(path_prefix === undefined ? {} : { prefixes: prefixes(path_prefix, sources, scope) }),
    ...(q === undefined ? {} : { text: { needle: q, below: foldersToSearch(sources) } }),
  };
}

function prefixes(prefix: string, sources: readonly string[], scope: Scope): string[] {
  if (!prefix.startsWith('/')) return prefixesOf(prefix, sources);
  if (scope === 'operate') return [prefix];
  throw problemOf('ScopeMissing', 'path_prefix: absolute paths need a token of the scope operate.');
}
