/**
 * Runs at most one refresh of a set at a time. A refresh that had begun before a call may have missed the last write, so
 * the call gets the one that comes after it, together with all calls that wait for that.
 */
export function createRefreshes<Set, Held>(
  keyOf: (set: Set) => string,
  refresh: (set: Set) => Promise<Held>,
): (set: Set) => Promise<Held> {
  const refreshes = new Map<string, { running: Promise<Held>; next?: Promise<Held> }>();

  function refreshed(set: Set): Promise<Held> {
    const key = keyOf(set);
    const under = refreshes.get(key);
    if (under === undefined) {
      const running = refresh(set).finally(() => {
        if (refreshes.get(key)?.running === running) refreshes.delete(key);
      });
      refreshes.set(key, { running });
      return running;
    }
    under.next ??= under.running
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => refreshed(set));
    return under.next;
  }

  return refreshed;
}
