import { isBelow } from '../folders.ts';

/** Which of a dataset's sources are present. A missing file is gone only if its source is present. */
export interface Presence {
  /** Whether the source of a file is present. True if the file belongs to no source. */
  has(path: string): Promise<boolean>;
  /** The sources that were found to be absent. */
  absent(): string[];
}

/** Checks each source once, at its first use. A file belongs to the deepest source that contains it. */
export function createPresence(sources: readonly string[], isThere: (source: string) => Promise<boolean>): Presence {
  const deepestFirst = sources.toSorted((a, b) => b.length - a.length);
  const looked = new Map<string, boolean>();
  return {
    async has(path) {
      const source = deepestFirst.find((root) => isBelow(path, root));
      if (source === undefined) return true;
      const known = looked.get(source) ?? (await isThere(source));
      looked.set(source, known);
      return known;
    },
    absent: () => [...looked].filter(([, there]) => !there).map(([source]) => source),
  };
}
