import { type Command, Option } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { INDEX_KINDS, type IndexKind } from '../../contract/job.ts';
import { fairnessKey, numberBetween, timeZone, webhookUrl, wholeNumber } from '../arguments.ts';
import type { JobDefaults } from '../config/job-defaults.ts';
import { type CommonOptions, dataDirOption, dtypeOption, jsonOption, modelOption } from '../options.ts';
import { clockWindow, type ParsedWindow } from './window-argument.ts';

/** Options of load, embed, retry and schedule create: priority, times, workers and webhooks. */
export interface JobOptions {
  model?: string;
  embedQueue?: string;
  priority?: number;
  fairnessKey?: string;
  fairnessWeight?: number;
  embedWindow?: ParsedWindow;
  timeZone?: string;
  webhook?: string[];
  webhookSecret?: string;
  /** All that plimsoll.toml says; cli/config/use-config.ts puts it here. */
  defaults?: JobDefaults;
}

/** Options of load, embed and retry, which start a job now. */
export interface StartCommandOptions extends JobOptions, CommonOptions {
  embedAt?: string;
  switch?: boolean;
  index?: 'auto' | 'none' | IndexKind;
  ifRunning: IfRunning;
  wait?: boolean;
}

/** Adds the flags of JobOptions. `job-request.ts` makes a request of their values. */
export function addJobOptions(command: Command): Command {
  return addNotices(addTimes(addQueueing(command)));
}

/** Adds the flags of StartCommandOptions. */
export function addStartOptions(command: Command): Command {
  const queueing = addQueueing(command)
    .option('--switch', 'let the model serve searches, once it has embedded everything')
    .addOption(
      new Option(
        '--index <kind>',
        'search index that follows the embedding (default: by the number of vectors)',
      ).choices(['auto', 'none', ...INDEX_KINDS]),
    )
    .option('--embed-at <time>', 'start embedding then: 2026-01-31T22:00, or with Z or an offset');
  return addNotices(addTimes(queueing))
    .addOption(ifRunningOption('if such a job is running: fail, return that one, or replace it'))
    .option('--wait', 'show the progress until the end; exit as "plimsoll wait" does')
    .addOption(dataDirOption())
    .addOption(jsonOption());
}

export const ifRunningOption = (description: string) =>
  new Option('--if-running <what>', description)
    .choices(['fail', 'attach', 'replace'] satisfies IfRunning[])
    .default('fail');

const addQueueing = (command: Command) =>
  command
    .addOption(modelOption())
    .addOption(dtypeOption())
    .option('--embed-queue <name>', 'task queue of the embedding workers (default: plimsoll-gpu)')
    .option('--priority <1-5>', '1 goes first, 5 last, if jobs wait for the same workers (default: 3)', priority())
    .option(
      '--fairness-key <key>',
      'jobs with the same key share one part, say a tenant (default: the dataset)',
      fairnessKey,
    )
    .option('--fairness-weight <n>', 'size of that part; others have 1', numberBetween(0.001, 1000));

const addTimes = (command: Command) =>
  command
    .option('--embed-window <times>', 'embed only then: 22:00-06:00, or "mon-fri 22:00-06:00"', clockWindow)
    .option('--time-zone <zone>', "for these times, such as Europe/Zurich (default: this machine's)", timeZone);

const addNotices = (command: Command) =>
  command
    .option('--webhook <url>', 'post to this address what becomes of the job (repeatable)', webhookUrl)
    .option('--webhook-secret <name>', "which of the workers' secrets signs it (default: default)");

const priority = () => wholeNumber(1, 5);

/** For the help of the commands with JobOptions. */
export const JOB_OPTIONS_HELP = `An embedding window opens every day, or on the days before its times; if its end
is not after its start, it ends on the next day. At its end, work stops after
the chunk that is under way, and goes on when the window opens again.`;

export const IF_RUNNING_HELP = `--if-running attach prints the ID of the running job if that does the same work;
its own options hold. replace cancels it (it keeps what it did) and starts a new
one; if no worker hears the cancel within 30 s, the job is terminated.`;
