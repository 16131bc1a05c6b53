import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addAddressCommand } from './commands/address.ts';
import { addAnnotateCommand } from './commands/annotate.ts';
import { addApiCommand } from './commands/api.ts';
import { addCleanupCommand } from './commands/cleanup.ts';
import { addConfigCommand } from './commands/config.ts';
import { addDatasetsCommand } from './commands/datasets.ts';
import { addDecodeCommand } from './commands/decode.ts';
import { addDeleteCommand } from './commands/delete.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDuplicatesCommand } from './commands/duplicates.ts';
import { addEmbedCommand } from './commands/embed.ts';
import { addEncodeCommand } from './commands/encode.ts';
import { addExportCommand } from './commands/export.ts';
import { addForgetCommand } from './commands/forget.ts';
import { addImportVectorsCommand } from './commands/import-vectors.ts';
import { addIndexCommand } from './commands/index.ts';
import { addInstallCudaCommand } from './commands/install-cuda.ts';
import { addJobsCommand } from './commands/jobs.ts';
import { addLimitCommand } from './commands/limit.ts';
import { addLoadCommand } from './commands/load.ts';
import { addModelsCommand } from './commands/models.ts';
import { addCancelCommand, addPauseCommand, addResumeCommand } from './commands/operate.ts';
import { addPruneCommand } from './commands/prune.ts';
import { addRelocateCommand } from './commands/relocate.ts';
import { addRetryCommand } from './commands/retry.ts';
import { addSamplesCommand } from './commands/samples.ts';
import { addScheduleCommand } from './commands/schedule.ts';
import { addSearchCommand } from './commands/search.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTagCommand } from './commands/tag.ts';
import { addTokenCommand } from './commands/token.ts';
import { addUpCommand } from './commands/up.ts';
import { addWaitCommand } from './commands/wait.ts';
import { useConfig } from './config/use-config.ts';
import { EXIT_CODES_HELP } from './exit-code.ts';
import { failureOf } from './failure.ts';
import { joinDtype } from './join-dtype.ts';
import { createOutput } from './output.ts';
import { packageFile } from './package-files.ts';

/** Adds a command to the program. The command calls `end` with its exit code. */
export type AddCommand = (program: Command, end: (exitCode: number) => void) => void;

const COMMANDS: readonly AddCommand[] = [
  addUpCommand,
  addLoadCommand,
  addEmbedCommand,
  addStatusCommand,
  addJobsCommand,
  addCleanupCommand,
  addLimitCommand,
  addWaitCommand,
  addPauseCommand,
  addResumeCommand,
  addCancelCommand,
  addRetryCommand,
  addIndexCommand,
  addDatasetsCommand,
  addSamplesCommand,
  addTagCommand,
  addSearchCommand,
  addDuplicatesCommand,
  addAnnotateCommand,
  addExportCommand,
  addImportVectorsCommand,
  addEncodeCommand,
  addDecodeCommand,
  addModelsCommand,
  addInstallCudaCommand,
  addPruneCommand,
  addRelocateCommand,
  addForgetCommand,
  addDeleteCommand,
  addScheduleCommand,
  addConfigCommand,
  addDoctorCommand,
  addAddressCommand,
  addApiCommand,
  addTokenCommand,
];

const HELP = `
A JOB is a job's ID, the first six or more characters of one, or the name of a
dataset, for its latest job.

Commands use the servers of MONGODB_URI and TEMPORAL_ADDRESS (or of a profile,
TEMPORAL_PROFILE), otherwise the stack that runs in this folder or one above:
"plimsoll up" leaves its addresses in .plimsoll/stack.json.

Defaults of options and settings may be in plimsoll.toml. Options go before
variables of the environment, and those before the file: see "plimsoll config".

Results go to stdout, progress and errors to stderr. With --json, stdout gets
exactly one JSON document; for an error, {"error": {"code", "message"}}.
${EXIT_CODES_HELP}

Examples:
  plimsoll up                          start everything here, until Ctrl-C
  plimsoll load ./photos --wait        load a folder into the dataset "photos"
  plimsoll samples photos              see what is in it
  JOB=$(plimsoll load ./photos)        from a script
  plimsoll wait $JOB --for browsable --timeout 60`;

/** Runs the command line and returns the exit code. Never throws. */
export async function runCommand(args: readonly string[]): Promise<number> {
  // Errors in the arguments are written with it, too.
  const output = createOutput({ json: jsonAskedFor(args) });
  let exitCode = 0;
  try {
    const program = createProgram(output.json, (code) => {
      exitCode = code;
    });
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = failureOf(error);
    // Commander has already printed its errors for people, with a pointer to the help.
    if (!(error instanceof CommanderError) || output.json) output.fail(failure);
    return failure.exitCode;
  }
}

function createProgram(json: boolean, end: (exitCode: number) => void): Command {
  const program = new Command('plimsoll')
    .description('Loads folders of images into datasets, durably: browsable at once, embedded in the background.')
    .version(version(), '-v, --version')
    .option('--config <file>', 'use this file (default: plimsoll.toml here or in a folder above)')
    .option('--no-config', 'use no plimsoll.toml')
    .exitOverride()
    .showHelpAfterError(json ? false : 'Commands: plimsoll --help')
    .configureOutput({ outputError: (text, write) => json || write(text) })
    .configureHelp({ showGlobalOptions: false, minWidthToWrap: 30 })
    .addHelpText('after', HELP)
    .helpCommand('help [command]', 'help for a command')
    .hook('preAction', async (_, command) => {
      await useConfig(command);
      joinDtype(command);
    });
  for (const add of COMMANDS) add(program, end);
  pointToHelp(program, json, 'plimsoll');
  return program;
}

function pointToHelp(parent: Command, json: boolean, path: string): void {
  for (const command of parent.commands) {
    if (command.name() === 'help') continue;
    const whole = `${path} ${command.name()}`;
    command.showHelpAfterError(json ? false : `Usage and examples: ${whole} --help`);
    pointToHelp(command, json, whole);
  }
}

function jsonAskedFor(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

function version(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}
