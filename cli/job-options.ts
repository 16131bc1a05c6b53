import { type Command, Option } from 'commander';
import type { IfRunning } from '../client/if-running.ts';
import { fairnessKey, modelOption, numberBetween, timeZone, webhookUrl, wholeNumber } from './arguments.ts';
import { clockWindow, type ParsedWindow } from './window-argument.ts';

/** What every command that embeds can be told: ahead of whom, when, by which workers, and who hears of it. */
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
}

/** Of a job that starts now. */
export interface StartOptions extends JobOptions {
  embedAt?: string;
  ifRunning: IfRunning;
}

/** Adds the flags that load, embed, retry and schedule create share; `cli/load-request.ts` makes a request of them. */
export function addJobOptions(command: Command): Command {
  return command
    .addOption(modelOption())
    .option('--embed-queue <name>', 'task queue of the embedding workers (default: plimsoll-gpu)')
    .option('--priority <1-5>', '1 goes first, 5 last, where jobs wait for the same workers (default: 3)', priority())
    .option('--fairness-key <key>', 'jobs of one key share its part, a tenant say (default: the dataset)', fairnessKey)
    .option('--fairness-weight <n>', "the key's part, beside others of 1", numberBetween(0.001, 1000))
    .option('--embed-window <times>', 'embed only then: "22:00-06:00", "mon-fri 22:00-06:00"', clockWindow)
    .option('--time-zone <zone>', "of the times given, as Europe/Zurich (default: this machine's zone)", timeZone)
    .option('--webhook <url>', 'tell this address what becomes of the job (repeatable)', webhookUrl)
    .option('--webhook-secret <name>', "which of the workers' secrets signs it (default: default)");
}

/** The same, and what only makes sense for a job that starts now. */
export function addStartOptions(command: Command): Command {
  return addJobOptions(command)
    .option('--embed-at <time>', 'embed nothing before: 2026-01-31T22:00, or with Z or an offset')
    .addOption(
      new Option('--if-running <what>', 'where such a job runs already: fail, return that one, or take its place')
        .choices(['fail', 'attach', 'replace'] satisfies IfRunning[])
        .default('fail'),
    );
}

const priority = () => wholeNumber(1, 5);

/** For the help of each of these commands. */
export const JOB_OPTIONS_HELP = `An embedding window opens every day, or on the days named before it; it ends on
the next day where its end is not after its start. Work stops at its end after
the chunk under way, and goes on when it opens again.`;

export const IF_RUNNING_HELP = `--if-running attach prints the ID of the job that runs, where that does the same
work; its own options hold. replace cancels it, which keeps what it did, and
starts anew; where no worker hears the cancel within 30 s, it is terminated.`;
