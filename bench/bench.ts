/**
 * Measures the targets of DESIGN.md, each figure with its floor: `npm run bench -- --help`. Figures go to stdout and,
 * as JSON, to bench/results/; progress goes to stderr. docs/BENCHMARKS.md describes each measurement and its bound.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type BenchArguments, help, parseArguments, WrongUsageError } from './arguments.ts';
import type { BenchContext } from './context.ts';
import type { Figure } from './figure.ts';
import { isBusy, type Machine, machineFacts } from './machine.ts';
import { MEASUREMENTS } from './measurements.ts';
import { linesOf } from './table.ts';

const RESULTS = join(import.meta.dirname, 'results');

/** The JSON file. Fields may be added. Any other change increases `format`. */
interface Results {
  format: 1;
  /** RFC 3339, UTC. */
  started_at: string;
  finished_at: string;
  scale: number;
  machine: Machine;
  load_average_at_end: number;
  figures: Figure[];
  /** Measurements that failed or were skipped. */
  failures: { measurement: string; message: string }[];
}

try {
  const args = parseArguments(process.argv.slice(2), MEASUREMENTS, process.env);
  if (args === undefined) process.stdout.write(help(MEASUREMENTS));
  else process.exitCode = await run(args);
} catch (error) {
  if (!(error instanceof WrongUsageError)) throw error;
  process.stderr.write(`${error.message} See --help.\n`);
  process.exitCode = 2;
}

async function run({ measurements, ...settings }: BenchArguments): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
  }
  const context: BenchContext = {
    ...settings,
    env: process.env,
    signal: interrupt.signal,
    report: (line) => process.stderr.write(`${line}\n`),
  };
  const machine = await machineFacts();
  const results: Results = {
    format: 1,
    started_at: new Date().toISOString(),
    finished_at: '',
    scale: settings.scale,
    machine,
    load_average_at_end: Number.NaN,
    figures: [],
    failures: [],
  };
  for (const line of opening(machine, context)) print(line);

  for (const { name, measure } of measurements) {
    if (interrupt.signal.aborted) break;
    context.report(`${name} ...`);
    try {
      const figures = await measure(context);
      results.figures.push(...figures);
      for (const line of figures.flatMap(linesOf)) print(line);
    } catch (error) {
      const { message } = error as Error;
      results.failures.push({ measurement: name, message });
      print(`${name}: could not be measured\n  ${message}\n`);
    }
  }

  results.finished_at = new Date().toISOString();
  results.load_average_at_end = loadavg()[0] ?? Number.NaN;
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `${results.started_at.replaceAll(/[-:]|\.\d+/g, '')}.json`);
  await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`);
  context.report(`written to ${file}`);
  return interrupt.signal.aborted ? 130 : results.failures.length > 0 ? 1 : 0;
}

function opening(machine: Machine, { runs, scale }: BenchContext): string[] {
  const memory = `${Math.round(machine.memory_bytes / 2 ** 30)} GiB`;
  return [
    `${machine.cores} cores (${machine.cpu}), ${memory}, ${machine.platform}, Node ${machine.node}, ${machine.commit ?? 'no checkout'}`,
    `medians of ${runs} runs; load average ${machine.load_average.toFixed(2)} at the start`,
    ...(isBusy(machine) ? ['WARNING: this machine has other work to do: times are longer than they would be.'] : []),
    ...(scale === 1 ? [] : [`A rehearsal: ${scale} of the files, and no target is judged.`]),
    '',
  ];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
