import { writeFileSync } from 'node:fs';

/** Makes Linux end this process first when memory runs out. Its parent starts another one. */
export function offerToEnd(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not Linux.
  }
}
