import type { Command } from 'commander';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';

export function addConfigCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('config')
    .summary('show the defaults and settings that hold, and where they come from')
    .description(
      'Shows what holds in this folder for the options of load, embed and search and for the settings of servers, workers and the API, and where each value comes from: the environment, a line of plimsoll.toml, or the built-in default.',
    )
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The file is the one of --config or PLIMSOLL_CONFIG, else the first plimsoll.toml
in this folder or one above. --no-config or an empty PLIMSOLL_CONFIG uses none.
docs/configuration.md describes every key, with a whole file as an example.

With --json: {"file" (or null), "settings": [...]}.
  setting  key, as "load.max_failed_percent",
           value (null if nothing is set; passwords are masked),
           source: flag, environment, file or default,
           from: the option, the variable, the file's path and line, or null

Exit codes: 0 shown, 2 the file is wrong.

Examples:
  plimsoll config
  plimsoll config --json | jq -c '.settings[] | select(.source == "file")'`,
    )
    .action(async (options: CommonOptions) => {
      const { showConfig } = await import('../config/show-config.ts');
      showConfig(options);
      end(0);
    });
}
