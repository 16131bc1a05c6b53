/** A set that a machine holds in memory. */
interface HeldSet {
  name: string;
  bytes: number;
  /** When it was last searched, by `performance.now()`. */
  searchedAt: number;
}

/** Forgets the sets that were not searched for the longest time, but not the one to keep, until the rest fit into memory. */
export async function forgetOldest(
  sets: Map<string, HeldSet>,
  { keep, mostBytes, machine }: { keep: string; mostBytes: number; machine: { drop(set: string): Promise<void> } },
): Promise<void> {
  const oldest = [...sets].filter(([key]) => key !== keep).sort(([, a], [, b]) => a.searchedAt - b.searchedAt);
  let total = [...sets.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  for (const [key, { name, bytes }] of oldest) {
    if (total <= mostBytes) return;
    sets.delete(key);
    total -= bytes;
    await machine.drop(name).catch(() => undefined);
  }
}
