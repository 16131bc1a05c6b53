import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { EXIT } from '../exit-code.ts';
import { dataDirOption } from '../options.ts';

interface ApiOptions {
  host?: string;
  port?: number;
  data?: string;
}

export function addApiCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('api')
    .summary('serve the page and the HTTP API for your own servers')
    .description(
      'Serves the page and the HTTP API until Ctrl-C, for the servers of MONGODB_URI and TEMPORAL_ADDRESS. It starts at once, whether they are there yet or not. "plimsoll up" includes it.',
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <n>', 'port, 0 for any (default: 7400)', wholeNumber(0, 65_535))
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Any address other than loopback needs tokens (plimsoll token create) and
PLIMSOLL_SOURCE_ROOTS, the folders below which loads read and files are served.

Examples:
  plimsoll api
  PLIMSOLL_API_TOKENS_FILE=tokens PLIMSOLL_SOURCE_ROOTS=/srv/photos \\
    plimsoll api --host 0.0.0.0`,
    )
    .action(async (options: ApiOptions) => end(await serve(options)));
}

async function serve(options: ApiOptions): Promise<number> {
  const [{ findServers }, { settingsFrom }, { startApi }, { catchInterrupt }, { createOutput }] = await Promise.all([
    import('../servers.ts'),
    import('../../api/settings.ts'),
    import('../../api/start-server.ts'),
    import('../interrupt.ts'),
    import('../output.ts'),
  ]);
  const servers = await findServers({ dataDir: options.data });
  const env = {
    ...servers.env,
    MONGODB_URI: servers.mongodbUri,
    ...(servers.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: servers.uiUrl }),
  };
  const interrupt = catchInterrupt((exitCode) => process.exit(exitCode));
  try {
    const api = await startApi(await settingsFrom(env, options));
    createOutput({}).note(`Plimsoll listens at ${api.url}`);
    if (!interrupt.signal.aborted)
      await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve(), { once: true }));
    await api.close();
    return EXIT.ok;
  } finally {
    interrupt.release();
  }
}
