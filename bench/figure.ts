/** A result of the benchmarks, as it is printed and written to JSON. Every field is stable. */
export interface Figure {
  /** Name of the measurement, as for `--only`. */
  measurement: string;
  what: string;
  unit: 's' | 'ms' | 'images/s' | 'chunks/s';
  /** Files that one run works on. */
  count: number;
  /** Median over the runs, and the spread. */
  value: number;
  min: number;
  max: number;
  runs: number[];
  floor: Floor | null;
  /** value / floor.value: above 1 for times, below 1 for rates. Null without a floor. */
  ratio: number | null;
  targets: Target[];
  /** The other measurements, in words. */
  facts?: Record<string, string>;
  /** The bottleneck. */
  bound_by: string;
  /** Peak resident memory of each process (VmHWM); empty if the system does not report it. */
  peak_memory_bytes: Record<string, number>;
  /** Seconds of CPU that each process of the stack used in the last run; empty if not measured. */
  cpu_seconds: Record<string, number>;
  /** Workflow histories of the last run. */
  histories: History[];
}

/** The least that the work can cost, measured in turns with the work in the same run. */
export interface Floor {
  what: string;
  value: number;
  min: number;
  max: number;
  runs: number[];
}

/** A line of DESIGN.md's table. */
export interface Target {
  what: string;
  value: number;
  at_most?: number;
  at_least?: number;
  unit: string;
  /** Null if the run can't decide: with scaled counts, or for a value that this system does not report. */
  met: boolean | null;
}

/** A workflow's history, with one entry per run; it has several runs if it continued as new. */
export interface History {
  workflow_id: string;
  runs: { events: number; bytes: number }[];
}

export interface Spread {
  value: number;
  min: number;
  max: number;
  runs: number[];
}

/** The median, minimum and maximum of the runs. */
export function spreadOf(runs: readonly number[]): Spread {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('a figure needs one run at least');
  const value = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
  return { value, min: sorted[0] as number, max: sorted.at(-1) as number, runs: [...runs] };
}

/** Compares a value with a target. A value that is not available (NaN) neither meets nor misses it. */
export function hold(target: Omit<Target, 'met'>, scale: number): Target {
  const { value, at_most = Number.POSITIVE_INFINITY, at_least = Number.NEGATIVE_INFINITY } = target;
  return { ...target, met: scale !== 1 || Number.isNaN(value) ? null : value <= at_most && value >= at_least };
}
