import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../core/cache-folder.ts';
import type { Measurement } from './context.ts';

export interface BenchArguments {
  measurements: readonly Measurement[];
  runs: number;
  scale: number;
  keep: boolean;
  profileDir: string | undefined;
  imagesDir: string;
  modelsDir: string;
}

export class WrongUsageError extends Error {
  readonly code = 'WrongUsage';
}

/** Parses the command line; undefined if it asks for help. @throws WrongUsageError */
export function parseArguments(
  args: string[],
  all: readonly Measurement[],
  env: NodeJS.ProcessEnv,
): BenchArguments | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const cache = join(cacheFolder(env), 'bench');
  const runs = Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new WrongUsageError(`--runs is "${values.runs}"; give 1 or more.`);
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1))
    throw new WrongUsageError(`--scale is "${values.scale}"; give more than 0, 1 at most.`);
  return {
    measurements: choose(values.only, all),
    runs,
    scale,
    keep: values.keep,
    profileDir: values.profile === undefined ? undefined : resolve(values.profile),
    imagesDir: resolve(values.images ?? join(cache, 'images')),
    modelsDir: join(cache, 'models'),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string' },
        runs: { type: 'string', default: '3' },
        scale: { type: 'string', default: '1' },
        images: { type: 'string' },
        profile: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongUsageError((error as Error).message);
  }
}

function choose(only: string | undefined, all: readonly Measurement[]): readonly Measurement[] {
  if (only === undefined) return all.filter(({ byDefault }) => byDefault);
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !all.some((measurement) => measurement.name === name));
  if (unknown !== undefined) {
    throw new WrongUsageError(`There is no measurement "${unknown}": ${all.map(({ name }) => name).join(', ')}.`);
  }
  return all.filter(({ name }) => names.includes(name));
}

export function help(all: readonly Measurement[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  const lines = all.map(({ name, summary, byDefault }) => {
    return `  ${name.padEnd(width)}  ${summary}${byDefault ? '' : ' (only when asked for)'}`;
  });
  return `Measures Plimsoll on a stack of its own, beside floors measured in the same run.

usage: npm run bench -- [options]

  --only NAMES    measurements, separated by commas; all but the long ones if left out
  --runs N        runs of each measurement; the median counts (3)
  --scale S       a rehearsal: 0.01 takes a hundredth of the files, and judges no target (1)
  --images DIR    where the images lie that are made once (the cache folder)
  --profile DIR   have the workers write CPU profiles there; sum them up with node bench/profile.ts DIR
  --keep          keep the stacks' folders: logs and data
  --help

measurements:
${lines.join('\n')}

Exit codes: 0 done, 1 something could not be measured, 2 wrong usage. A target missed is no failure: see the JSON.
`;
}
