/**
 * A search process: holds vectors or words and finds what is near, or builds an index, for the process that forked it. It
 * is a separate process because a scan blocks its thread, and because native code that reads a damaged index may crash.
 */
import process from 'node:process';
import { offerToEnd } from '../core/concurrency/offer-to-end.ts';
import { keepCompiled } from '../core/processes/keep-compiled.ts';
import { createLocalBuilder } from '../core/search/local-builder.ts';
import { createLocalMachine } from '../core/search/local-machine.ts';
import { createLocalWords } from '../core/search/words/word-machine.ts';
import type { Answer, Call, Role } from './messages.ts';

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A Ctrl-C for the parent also reaches this process. The parent decides what to do.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

offerToEnd();

type Methods = Record<string, (...given: readonly unknown[]) => Promise<unknown>>;

const role = process.argv[2] as Role;
const CREATORS: Record<Role, () => unknown> = {
  machine: createLocalMachine,
  words: createLocalWords,
  builder: createLocalBuilder,
};
const methods = CREATORS[role]() as Methods;

process.on('message', (call: Call) => {
  // A parent that was killed takes no answer. The disconnect ends this process.
  void answer(call)
    .then((reply) => process.send?.(reply, () => undefined))
    .then(keepCompiled);
});

async function answer({ id, method, arguments: given }: Call): Promise<Answer> {
  try {
    return { id, result: await methods[method]?.(...given) };
  } catch (error) {
    return { id, error: (error as Error).message };
  }
}
