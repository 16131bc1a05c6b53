import { resolve } from 'node:path';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { addEmbedOptions, datasetOption, dtypeOption, jsonOption, mediaOption, modelOption } from '../options.ts';
import type { UpOptions } from '../up/up.ts';

type Options = Omit<UpOptions, 'data'> & { data?: string };

const port = () => wholeNumber(0, 65_535);

export function addUpCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('up')
    .summary('start everything on this machine, until Ctrl-C')
    .description(
      'Starts Temporal\'s development server, MongoDB, an indexing worker, an embedding worker and the page on this machine, and stays until Ctrl-C, which stops all of it. The next "up" finds the data as it was left. Programs that are missing are fetched once.',
    )
    .argument('[folder]', 'with --load: the folder of images or documents to load')
    .option('--load [folder]', 'also load a folder (default: the example pictures) and show the progress')
    .option('--exit', 'with --load: stop when the load is over; exit as "plimsoll wait" does')
    .addOption(datasetOption())
    .addOption(mediaOption())
    .addOption(modelOption())
    .addOption(dtypeOption());
  addEmbedOptions(command)
    .option('--data <dir>', 'where data and logs are kept (default: .plimsoll)')
    .option('--temporal-port <n>', "port of Temporal's server, 0 for any (default: 7233)", port())
    .option('--ui-port <n>', "port of Temporal's web page, 0 for any (default: 8233)", port())
    .option('--mongo-port <n>', 'port of MongoDB, 0 for any (default: 27017)', port())
    .option(
      '--api-port <n>',
      'port of the page and the HTTP API, 0 for any (default: 7400, or the next that is free)',
      port(),
    )
    .option('--open', 'no token, no passwords: everybody on this machine may use all of it')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Others on this machine can't use what it starts: the page's address holds a
token, MongoDB has a password, and the data folder is yours alone. One door
stays open: whoever has an account here can call Temporal's port.
"plimsoll address" prints what other programs need. --open leaves all of it
without, also for the pages of any site that a browser here shows.

If MONGODB_URI or TEMPORAL_ADDRESS is set, "up" uses that server and starts none
of its own. Jobs that were under way when an earlier "up" stopped go on.

With --json: {"page_url", "token_file" (or null), "temporal_address",
"temporal_namespace", "mongodb_uri" (without its password), "ui_url" (or null),
"data_dir", "load"}, printed when everything is ready; with --load, when the
load is over: then load is what "plimsoll status --json" prints.

Exit codes: 0 stopped by Ctrl-C; 1 not started, or with --exit the load failed
or was canceled; 2 wrong usage; 130 interrupted before that.
A second Ctrl-C does not wait.

Examples:
  plimsoll up
  plimsoll up --load                   with the example pictures
  plimsoll up --load ./photos --exit   load, and stop everything again
  plimsoll up --temporal-port 0 --ui-port 0 --mongo-port 0 --data /tmp/another`,
    )
    .action(async (folder: string | undefined, options: Options, self: Command) => {
      const [{ up }, { DATA_DIR }] = await Promise.all([import('../up/up.ts'), import('../servers.ts')]);
      if (folder !== undefined && options.load === undefined)
        self.error(`error: "${folder}" is loaded only with --load: plimsoll up --load ${folder}`);
      if (options.exit && options.load === undefined) self.error('error: --exit needs --load');
      const data = resolve(options.data ?? (process.env.PLIMSOLL_DATA || DATA_DIR));
      end(await up({ ...options, ...(folder === undefined ? {} : { load: folder }), data }));
    });
}
