/** Drawing takes at most this long of a frame, so that scrolling stays smooth. What is left has its turn in the next. */
const MOST_MS = 6;

const waiting = new Set<() => void>();
let asked = false;

/** Runs a drawing in one of the next frames, in order. @returns takes it back */
export function inTurn(drawing: () => void): () => void {
  waiting.add(drawing);
  if (!asked) requestAnimationFrame(run);
  asked = true;
  return () => waiting.delete(drawing);
}

function run() {
  const end = performance.now() + MOST_MS;
  try {
    for (const drawing of waiting) {
      waiting.delete(drawing);
      drawing();
      if (performance.now() > end) break;
    }
  } finally {
    asked = waiting.size > 0;
    if (asked) requestAnimationFrame(run);
  }
}
