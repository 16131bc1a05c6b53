import type { ChildProcess } from 'node:child_process';
import type { Start } from './start-watch.ts';

/** Resolves when a child process sends the message that it is ready; rejects with the signal's reason. */
export function awaitReadyMessage(child: ChildProcess, { signal, waitsFor }: Start): Promise<void> {
  waitsFor('its message that it is ready');
  return new Promise((resolveReady, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    child.on('message', (message) => {
      if ((message as { type?: unknown } | null)?.type === 'ready') resolveReady();
    });
  });
}
