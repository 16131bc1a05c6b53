import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunOptions } from './command-bench.ts';

const COMMAND = fileURLToPath(new URL('../../cli/plimsoll.ts', import.meta.url));

/** Whether a command can be given a terminal here. */
export const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

/** Runs the command on a terminal, by util-linux's way, and types when it asks. */
export async function onTerminal(
  typed: string,
  args: readonly string[],
  { env, cwd }: RunOptions,
): Promise<{ code: number | null; stdout: string }> {
  const command = [process.execPath, COMMAND, ...args].map((arg) => `'${arg}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, cwd });
  let stdout = '';
  child.stdout.on('data', (data) => {
    if (!stdout.includes('[y/N]') && `${stdout}${data}`.includes('[y/N]')) child.stdin.write(typed);
    stdout += data;
  });
  const [code] = await once(child, 'close');
  return { code, stdout };
}
