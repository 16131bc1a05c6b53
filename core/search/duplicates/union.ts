/** Joins numbers into groups: union-find with path halving (Tarjan and van Leeuwen, 1984). */
export interface Union {
  /** Joins the groups of two numbers. Returns false if they were in one already. */
  join(a: number, b: number): boolean;
  /** Whether two numbers are in one group. */
  areJoined(a: number, b: number): boolean;
  /** The groups of the numbers that were joined, each in ascending order. */
  groups(): number[][];
}

export function createUnion(): Union {
  const parents = new Map<number, number>();

  function rootOf(number: number): number {
    let at = number;
    for (;;) {
      const parent = parents.get(at);
      if (parent === undefined) return at;
      const next = parents.get(parent);
      if (next === undefined) return parent;
      parents.set(at, next);
      at = next;
    }
  }

  return {
    join(a, b) {
      const [first, second] = [rootOf(a), rootOf(b)];
      if (first === second) return false;
      // The lowest number is the root, so a root needs no entry.
      parents.set(Math.max(first, second), Math.min(first, second));
      return true;
    },
    areJoined: (a, b) => rootOf(a) === rootOf(b),
    groups() {
      const groups = new Map<number, number[]>();
      for (const number of parents.keys()) {
        const root = rootOf(number);
        const group = groups.get(root);
        if (group === undefined) groups.set(root, [root, number]);
        else group.push(number);
      }
      return [...groups.values()].map((group) => group.sort((a, b) => a - b));
    },
  };
}
