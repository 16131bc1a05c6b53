/** A number of permits (threads, bytes of memory) that are lent in the order in which they are asked for. */
export interface Permits {
  /** Resolves, once there are so many, with what gives them back. A request for more than there are gets all of them. */
  take(count: number): Promise<() => void>;
}

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
