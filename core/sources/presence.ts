/** Whether a dataset's sources are there, so that a file which is not means that it is gone. */
export interface Presence {
  /** Whether the source that a file lies in is there; also where it lies in none. */
  has(path: string): Promise<boolean>;
  /** The sources that were found not to be there. */
  absent(): string[];
}

/** Each source is looked at once, when it is first asked for: a file belongs to the deepest one that it lies in. */
export function createPresence(sources: readonly string[], isThere: (source: string) => Promise<boolean>): Presence {
  const deepestFirst = sources.toSorted((a, b) => b.length - a.length);
  const looked = new Map<string, boolean>();
  return {
    async has(path) {
      const source = deepestFirst.find((root) => path.startsWith(`${root === '/' ? '' : root}/`));
      if (source === undefined) return true;
      const known = looked.get(source) ?? (await isThere(source));
      looked.set(source, known);
      return known;
    },
    absent: () => [...looked].filter(([, there]) => !there).map(([source]) => source),
  };
}
