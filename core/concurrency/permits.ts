/** A number of permits (threads, bytes of memory), lent in request order. */
export interface Permits {
  /** Waits for `count` permits. Resolves with the function that returns them. Larger requests get all permits. */
  take(count: number): Promise<() => void>;
}

/** Creates `total` permits. */
export function createPermits(total: number): Permits {
  const waiting: { count: number; give: () => void }[] = [];
  let free = total;

  function lend(): void {
    for (let first = waiting[0]; first !== undefined && first.count <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.count;
      first.give();
    }
  }

  return {
    async take(asked) {
      const count = Math.min(asked, total);
      await new Promise<void>((give) => {
        waiting.push({ count, give });
        lend();
      });
      let isBack = false;
      return () => {
        if (isBack) return;
        isBack = true;
        free += count;
        lend();
      };
    },
  };
}
