// A process that starts only as far as it is told, and tells when it has done it: logs a line, uses processor time, or
// is ready.
import { writeSync } from 'node:fs';

const ENOUGH_MICROSECONDS = 50_000;

const orders: Record<string, () => void> = {
  log: () => writeSync(1, 'a line\n'),
  work() {
    const used = process.cpuUsage();
    let spent = 0;
    while (spent < ENOUGH_MICROSECONDS) {
      const { user, system } = process.cpuUsage(used);
      spent = user + system;
    }
  },
  ready: () => process.send?.({ type: 'ready' }),
};
process.on('message', (order: string) => {
  orders[order]?.();
  process.send?.({ type: 'done' });
});
process.send?.({ type: 'listens' });
