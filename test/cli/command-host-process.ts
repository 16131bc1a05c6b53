import { runCommand } from '../../cli/program.ts';
import type { CommandLine, Run } from './command-host.ts';

// Runs one command line at a time, each as if this process had been started for it.
process.on('message', async ({ args, env, cwd }: CommandLine) => {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  const code = await runCommand(args);
  process.send?.({ code, stdout: stdout(), stderr: stderr() } satisfies Run);
});
process.on('disconnect', () => process.exit());

/** Keeps what is written to a stream from now on. The returned function gives it back and ends the keeping. */
function capture(stream: NodeJS.WriteStream): () => string {
  const { write } = stream;
  let text = '';
  stream.write = (chunk: Uint8Array | string, encoding?: unknown, done?: () => void) => {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (typeof encoding === 'function') encoding();
    else done?.();
    return true;
  };
  return () => {
    stream.write = write;
    return text;
  };
}
