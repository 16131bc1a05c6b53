import type { SampleFilter } from '../core/store/search-samples.ts';

/** The filter that `--tag`, `--any-tag` and `--without-tag` ask for. */
export function tagsFilter(options: {
  tag: string[];
  anyTag: string[];
  withoutTag: string[];
}): Pick<SampleFilter, 'tags_all' | 'tags_any' | 'tags_none'> {
  const named = (tags: string[]) => (tags.length === 0 ? undefined : tags);
  return { tags_all: named(options.tag), tags_any: named(options.anyTag), tags_none: named(options.withoutTag) };
}
