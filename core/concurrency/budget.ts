/** A number of bytes that is given out for a while, in the order in which it is asked for. */
export interface Budget {
  /** Resolves, when there is so much, with what gives it back. Who asks for more than there is at all gets all there is. */
  take(bytes: number): Promise<() => void>;
}

export function createBudget(total: number): Budget {
  const waiting: { bytes: number; give: () => void }[] = [];
  let free = total;

  function giveOut(): void {
    for (let first = waiting[0]; first !== undefined && first.bytes <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.bytes;
      first.give();
    }
  }

  return {
    async take(asked) {
      const bytes = Math.min(asked, total);
      await new Promise<void>((give) => {
        waiting.push({ bytes, give });
        giveOut();
      });
      let isBack = false;
      return () => {
        if (isBack) return;
        isBack = true;
        free += bytes;
        giveOut();
      };
    },
  };
}
