/**
 * The search process: holds vectors and finds neighbours for the process that forked it. It is a separate process
 * because a scan blocks its thread, and because native code that reads a damaged index may crash.
 */
import process from 'node:process';
import { offerToEnd } from '../core/concurrency/offer-to-end.ts';
import { createLocalMachine } from '../core/search/local-machine.ts';
import type { Answer, Call, Result } from './messages.ts';

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A Ctrl-C for the parent also reaches this process. The parent decides what to do.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

offerToEnd();

const machine = createLocalMachine();

process.on('message', (call: Call) => {
  void answer(call).then((reply) => process.send?.(reply));
});

async function answer({ id, method, arguments: given }: Call): Promise<Answer> {
  try {
    const run = machine[method] as (...given: unknown[]) => Promise<unknown>;
    return { id, result: (await run(...given)) as Result };
  } catch (error) {
    return { id, error: (error as Error).message };
  }
}
