import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withStack } from './bench-stack.ts';
import type { BenchContext, Measurement } from './context.ts';
import { type Figure, hold, spreadOf } from './figure.ts';

const COMMAND = join(import.meta.dirname, '../cli/plimsoll.ts');
const SECONDS_AT_MOST = 0.5;
/** A start takes a part of a second, so one more costs little. */
const STARTS_A_RUN = 5;

const COMMANDS = [
  { what: 'the version', args: ['--version'], boundBy: "Node's start, and reading the modules of the command line" },
  { what: 'the help', args: ['--help'], boundBy: "Node's start, and reading the modules of all commands' options" },
  {
    what: 'the list of datasets',
    args: ['datasets'],
    boundBy: "Node's start, reading MongoDB's driver, and connecting",
  },
  {
    what: 'the list of jobs',
    args: ['jobs'],
    boundBy: "Node's start, reading the clients of MongoDB and Temporal, and connecting",
  },
];

/** Measures how long a command takes that has almost nothing to do. */
export const commandMeasurement: Measurement = {
  name: 'command',
  summary: 'commands that only show something, from their start to their end',
  byDefault: true,
  measure: (context) =>
    withStack(context, [], async ({ mongodbUri, temporalAddress }) => {
      const env = { ...context.env, MONGODB_URI: mongodbUri, TEMPORAL_ADDRESS: temporalAddress };
      const figures: Figure[] = [];
      for (const command of COMMANDS) figures.push(await measureCommand(context, command, env));
      return figures;
    }),
};

async function measureCommand(
  { runs, scale, report }: BenchContext,
  { what, args, boundBy }: (typeof COMMANDS)[number],
  env: NodeJS.ProcessEnv,
): Promise<Figure> {
  // The first start compiles the modules, and keeps them for those that follow.
  await secondsOf([COMMAND, ...args], env);
  const seconds: number[] = [];
  const floorSeconds: number[] = [];
  for (let n = 0; n < runs * STARTS_A_RUN; n++) {
    floorSeconds.push(await secondsOf(['--eval', '0'], env));
    seconds.push(await secondsOf([COMMAND, ...args], env));
  }
  const spread = spreadOf(seconds);
  const floor = { what: 'node, which runs nothing', ...spreadOf(floorSeconds) };
  report(`${what}: ${spread.value.toFixed(2)} s`);
  return {
    measurement: 'command',
    what: `plimsoll ${args.join(' ')}`,
    unit: 's',
    count: 1,
    ...spread,
    floor,
    ratio: spread.value / floor.value,
    targets: [hold({ what: 'median', value: spread.value, at_most: SECONDS_AT_MOST, unit: 's' }, scale)],
    bound_by: boundBy,
    peak_memory_bytes: {},
    cpu_seconds: {},
    histories: [],
  };
}

async function secondsOf(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedMs = performance.now();
  await promisify(execFile)(process.execPath, args, { env });
  return (performance.now() - startedMs) / 1000;
}
