/**
 * The child's side of a killable process. Nothing can interrupt a library in the midst of a stranger's file, so only
 * ending the process frees its threads and memory.
 */
import process from 'node:process';
import { offerToEnd } from '../concurrency/offer-to-end.ts';
import { keepCompiled } from './keep-compiled.ts';
import type { Answer } from './messages.ts';

/** Answers the orders of the process that forked this one, one at a time. An exception is a fault of this process. */
export function answerParent<Order>(answer: (order: Order) => Promise<unknown>): void {
  // SIGKILL, because `exit` would wait for threads that are at work.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // A Ctrl-C for the parent also reaches this process. The parent decides what to do.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  offerToEnd();

  process.on('message', (order: Order) => {
    void answer(order)
      .then(
        (result): Answer => ({ result }),
        (error: Error): Answer => ({ fault: error.message }),
      )
      .then((message) => process.send?.(message))
      .then(keepCompiled);
  });
  process.send?.('ready');
}
