import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { ScheduleStatus } from '../../client/schedule-status.ts';
import { age } from '../arguments.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { datasetNameOf } from '../starting/dataset-name.ts';
import { addJobOptions, JOB_OPTIONS_HELP, type JobOptions } from '../starting/job-options.ts';
import { addLoadOptions, type LoadOptions, SELECTION_HELP } from '../starting/load-options.ts';
import { machineZone } from '../starting/machine-zone.ts';
import { printable } from '../terminal/printable.ts';

interface CreateOptions extends LoadOptions, JobOptions, CommonOptions {
  cron?: string;
  /** Milliseconds. */
  every?: number;
}

type End = (exitCode: number) => void;

const EXIT_CODES = 'Exit codes: 0 done, 1 not possible, 2 wrong usage, 3 no such schedule.';

const SCHEDULE_JSON = `With --json: {"name", "schedule_id", "dataset", "source", "when", "cron",
"every_seconds", "time_zone", "paused", "note", "next_run", "last_run": null or
{"at", "result", "job_id", "error"}, "request", "created_at"}. result: queued,
running, paused, completed, failed, canceled, skipped (a job of the dataset was
running), unknown (Temporal has forgotten it).`;

/** Milliseconds. */
function interval(text: string): number {
  const ms = age(text);
  if (ms >= 60_000) return ms;
  throw new InvalidArgumentError('Expected at least a minute, such as 30m, 6h or 1d.');
}

const name = ['<name>', "the schedule's name"] as const;

export function addScheduleCommand(program: Command, end: End): void {
  const schedule = program
    .command('schedule')
    .summary('repeat loads by cron or interval: create, list, pause, resume, trigger, delete')
    .description('Loads folders again and again, on Temporal Schedules. Each load does only what has changed.')
    .addHelpText(
      'after',
      `
A run is skipped while a job of the dataset is running. After an outage of up to
seven days, one load makes up for all missed runs.

${SCHEDULE_JSON}
list: {"schedules": [...]}; delete: {"deleted"}.
${EXIT_CODES}

Examples:
  plimsoll schedule create nightly ./photos --cron "0 3 * * *"
  plimsoll schedule list
  plimsoll schedule pause nightly --reason "disk is being replaced"
  plimsoll schedule trigger nightly`,
    );
  addCreate(schedule, end);
  addList(schedule, end);
  addChange(schedule, 'pause', 'start no more loads until it is resumed; one under way goes on', (command) =>
    command.option('--reason <text>', 'shown with it in the list'),
  ).action(async (of: string, options: CommonOptions & { reason?: string }) =>
    end(
      await change(
        options,
        (client) => client.schedules.pause(of, options),
        () => `Paused: ${of}.`,
      ),
    ),
  );
  addChange(schedule, 'resume', 'let a paused schedule go on').action(async (of: string, options: CommonOptions) =>
    end(await change(options, (client) => client.schedules.resume(of), nextLine)),
  );
  addChange(schedule, 'trigger', 'load now, in addition to its times').action(
    async (of: string, options: CommonOptions) =>
      end(await change(options, (client) => client.schedules.trigger(of), triggeredLine)),
  );
  addChange(schedule, 'delete', 'delete a schedule; a load under way goes on, and the dataset stays').action(
    async (of: string, options: CommonOptions) => end(await remove(of, options)),
  );
}

function addCreate(schedule: Command, end: End): void {
  const command = schedule
    .command('create')
    .summary('load a folder by cron or interval')
    .description('Loads a folder by cron or at a fixed interval, with the options of "plimsoll load".')
    .argument(...name)
    .argument('<folder>', 'folder of images, at any depth')
    .option('--cron <times>', 'minute, hour, day of month, month, day of week: "0 3 * * *"')
    .option('--every <span>', 'instead of --cron: 30m, 6h, 1d; at least a minute', interval);
  addJobOptions(addLoadOptions(command))
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
--time-zone holds for --cron and for --embed-window.

${SELECTION_HELP}

${JOB_OPTIONS_HELP}

${SCHEDULE_JSON}
${EXIT_CODES}

Examples:
  plimsoll schedule create nightly ./photos --cron "0 3 * * *"
  plimsoll schedule create workdays /mnt/camera --cron "30 22 * * mon-fri"
  plimsoll schedule create often ./inbox --every 6h --embed-window 22:00-06:00`,
    )
    .action(async (of: string, folder: string, options: CreateOptions) => end(await create(of, folder, options)));
}

function addList(schedule: Command, end: End): void {
  schedule
    .command('list')
    .summary('list schedules, when each is due, and how its last run ended')
    .description('Lists schedules by name: when each is due, and how its last run ended.')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\n${SCHEDULE_JSON}\nAll of them: {"schedules": [...]}.\n\nExample:\n  plimsoll schedule list`,
    )
    .action(async (options: CommonOptions) => end(await list(options)));
}

function addChange(
  schedule: Command,
  verb: string,
  summary: string,
  addOptions = (command: Command) => command,
): Command {
  const command = schedule
    .command(verb)
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .argument(...name);
  return addOptions(command)
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', `\n${EXIT_CODES}\n\nExample:\n  plimsoll schedule ${verb} nightly`);
}

async function create(scheduleName: string, folder: string, options: CreateOptions): Promise<number> {
  const [{ withClient }, { loadRequestOf }, { checkJobOptions }, { checkLoad }, { parseScheduleRequest }] =
    await Promise.all([
      import('../connection.ts'),
      import('../starting/job-request.ts'),
      import('../starting/check-job-options.ts'),
      import('../starting/check-load.ts'),
      import('../../client/schedule-request.ts'),
    ]);
  const output = createOutput(options);
  checkJobOptions(options, output);
  const source = resolve(folder);
  const { cron, every } = options;
  const request = {
    name: scheduleName,
    load: loadRequestOf({ ...options, source, dataset: options.dataset ?? datasetNameOf(source) }),
    ...(cron === undefined ? {} : { cron }),
    ...(every === undefined ? {} : { every_seconds: Math.round(every / 1000) }),
    time_zone: options.timeZone ?? machineZone(),
  };
  // The command line can be refused even if no server is there.
  parseScheduleRequest(request);
  const named = options.dataset !== undefined;
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkLoad(request.load, { store: client.store, servers, output, named });
    const schedule = await client.schedules.create(request);
    output.result(schedule, () => [`Created: ${schedule.name}. ${schedule.when}. ${nextLine(schedule)}`]);
    return 0;
  });
}

async function list(options: CommonOptions): Promise<number> {
  const { withClient } = await import('../connection.ts');
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client) => {
    const schedules = await client.schedules.list();
    const lines = output.json ? [] : await tableOf(schedules, output);
    output.result({ schedules }, () => lines);
    if (schedules.length === 0 && !output.json) output.note('No schedules.');
    return 0;
  });
}

async function change(
  options: CommonOptions,
  work: (client: PlimsollClient) => Promise<ScheduleStatus>,
  line: (schedule: ScheduleStatus) => string,
): Promise<number> {
  const { withClient } = await import('../connection.ts');
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client) => {
    const schedule = await work(client);
    output.result(schedule, () => [line(schedule)]);
    return 0;
  });
}

async function remove(scheduleName: string, options: CommonOptions): Promise<number> {
  const { withClient } = await import('../connection.ts');
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client) => {
    await client.schedules.delete(scheduleName);
    output.result({ deleted: scheduleName }, () => [`Deleted: ${scheduleName}.`]);
    return 0;
  });
}

async function tableOf(rows: readonly ScheduleStatus[], { paint }: Output): Promise<string[]> {
  if (rows.length === 0) return [];
  const [{ columns }, { ago }] = await Promise.all([
    import('../terminal/columns.ts'),
    import('../terminal/quantities.ts'),
  ]);
  const last = ({ last_run }: ScheduleStatus) => (last_run === null ? '-' : `${last_run.result}, ${ago(last_run.at)}`);
  const [titles = '', ...lines] = columns(
    ['NAME', 'DATASET', 'SOURCE', 'WHEN', 'NEXT RUN', 'LAST RUN'].map((title) => ({ title })),
    rows.map((row) => [
      row.name,
      row.dataset,
      printable(row.source),
      printable(row.when),
      row.paused ? paint.yellow('paused') : row.next_run === null ? '-' : localTime(row.next_run, row.time_zone),
      row.last_run?.result === 'failed' ? paint.red(last(row)) : last(row),
    ]),
    paint,
  );
  return [titles, ...rows.flatMap((row, i) => [lines[i] ?? '', ...reasonsOf(row)])];
}

/** Why it is paused and why its last run failed. Each has a line of its own, since it may be long. */
function reasonsOf({ paused, note, last_run }: ScheduleStatus): string[] {
  return [
    ...(paused && note !== null && note !== 'paused' ? [`  paused: ${printable(note)}`] : []),
    ...(last_run?.error ? [`  last run: ${printable(last_run.error.message)}`] : []),
  ];
}

/** Says what a triggered run does. */
function triggeredLine({ dataset, last_run }: ScheduleStatus): string {
  if (last_run?.result === 'skipped')
    return `Skipped: a job of ${dataset} is running already. See how it goes: plimsoll wait ${dataset}`;
  if (last_run?.job_id) return `Triggered: job ${last_run.job_id}. See how it goes: plimsoll wait ${last_run.job_id}`;
  return last_run?.result === 'failed'
    ? "The run failed before its load began. See why on Temporal's page."
    : 'Triggered; no indexing worker has started it yet. See how it goes: plimsoll schedule list';
}

function nextLine({ next_run, time_zone }: ScheduleStatus): string {
  return next_run === null ? 'No run is due.' : `Next run: ${localTime(next_run, time_zone)}.`;
}

/** `Sat 21 Nov, 03:00`, in the schedule's time zone. */
function localTime(time: string, timeZone: string): string {
  const words = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
  return new Intl.DateTimeFormat('en-GB', { ...words, timeZone }).format(new Date(time));
}
