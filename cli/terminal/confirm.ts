import { createInterface } from 'node:readline/promises';

/** Whether there is a terminal to ask on. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Asks on the terminal. Every answer but yes means no, including Ctrl-C and the end of the input. */
export async function confirm(question: string): Promise<boolean> {
  const stop = new AbortController();
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.on('SIGINT', () => stop.abort());
  lines.on('close', () => stop.abort());
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal: stop.signal })).trim());
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write('\n');
    return false;
  } finally {
    lines.close();
  }
}
