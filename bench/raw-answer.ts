import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Waits for the next answer of a process that measures raw ONNX Runtime, in milliseconds. */
export async function rawAnswer(child: ChildProcess): Promise<number> {
  const answered = new AbortController();
  const { signal } = answered;
  const exit = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`raw inference ended with code ${code}`);
  });
  try {
    const [{ elapsedMs }] = await Promise.race([once(child, 'message', { signal }), exit]);
    return elapsedMs;
  } finally {
    exit.catch(() => {});
    answered.abort();
  }
}
