/** An encoder process: it makes frames and reads them back, for the process that forked it. */
import process from 'node:process';
import sharp from 'sharp';
import { offerToEnd } from '../../concurrency/offer-to-end.ts';
import { makeFrame } from '../make-frame.ts';
import type { Order, Reply } from './messages.ts';

// SIGKILL, because `exit` would wait for the encoding threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A Ctrl-C for the parent also reaches this process. The parent decides what to do.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

sharp.concurrency(1);
sharp.cache(false);
offerToEnd();

process.on('message', (order: Order) => {
  void answer(order).then((reply) => process.send?.(reply));
});

async function answer({ texts }: Order): Promise<Reply> {
  try {
    const samples: Uint8Array[] = [];
    for (const text of texts) samples.push(await makeFrame(text));
    return { samples };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}
