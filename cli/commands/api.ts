import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { EXIT } from '../exit-code.ts';
import { dataDirOption } from '../options.ts';

interface ApiOptions {
  host?: string;
  port?: number;
  data?: string;
  open?: boolean;
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
    .option('--open', 'no token: everybody on this machine may use it')
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
If no tokens are set, it takes the one of the stack here, or makes one for this
time: the address that it prints holds it.

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
  const [
    { findServers },
    { settingsFrom },
    { startApi },
    { catchInterrupt },
    { createOutput },
    { hasTokens },
    { isLoopback },
    { newToken, tokenLine },
    { pageLink },
  ] = await Promise.all([
    import('../servers.ts'),
    import('../../api/settings.ts'),
    import('../../api/start-server.ts'),
    import('../interrupt.ts'),
    import('../output.ts'),
    import('../../local/api-server.ts'),
    import('../../core/loopback.ts'),
    import('../../core/api-tokens.ts'),
    import('../page-link.ts'),
  ]);
  const servers = await findServers({ dataDir: options.data });
  const env = {
    ...servers.env,
    MONGODB_URI: servers.mongodbUri,
    ...(servers.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: servers.uiUrl }),
  };
  const { host } = options;
  // Another address than loopback is refused without tokens that were made for it.
  const closed = !options.open && !hasTokens(env) && (host === undefined || isLoopback(host));
  const token = closed ? (servers.apiToken ?? newToken()) : undefined;
  const tokens = token === undefined ? {} : { PLIMSOLL_API_TOKENS: tokenLine(token, 'operate') };
  const interrupt = catchInterrupt((exitCode) => process.exit(exitCode));
  try {
    const api = await startApi(await settingsFrom({ ...env, ...tokens }, options));
    createOutput({}).note(`Plimsoll listens at ${pageLink(api.url, token)}`);
    if (!interrupt.signal.aborted)
      await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve(), { once: true }));
    await api.close();
    return EXIT.ok;
  } finally {
    interrupt.release();
  }
}
