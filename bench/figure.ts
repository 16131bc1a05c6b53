/** What the benchmarks find, as it is printed and as it is written to JSON: every field is stable. */
export interface Figure {
  /** The measurement that it belongs to, as `--only` takes it. */
  measurement: string;
  what: string;
  unit: 's' | 'ms' | 'images/s';
  /** Files, or images, that one run works on. */
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
  /** What keeps the figure from being better. */
  bound_by: string;
  /** The most memory that each process ever had resident (VmHWM); empty where the system does not tell. */
  peak_memory_bytes: Record<string, number>;
  /** Seconds of CPU that each process of the stack used in the last run; empty where it was not measured. */
  cpu_seconds: Record<string, number>;
  /** Of the last run. */
  histories: History[];
}

/** The least that the work can cost, measured in the same run, in turns with it. */
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
  /** Null where the run can't tell: scaled counts, or a value that this system does not give. */
  met: boolean | null;
}

/** A workflow's history: one entry a run, several where it continued as new. */
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

/** The median of the runs, and how far they lie apart. */
export function spreadOf(runs: readonly number[]): Spread {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('a figure needs one run at least');
  const value = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
  return { value, min: sorted[0] as number, max: sorted.at(-1) as number, runs: [...runs] };
}

/** Holds a value to a target. A value that could not be had (NaN) meets nothing and misses nothing. */
export function hold(target: Omit<Target, 'met'>, scale: number): Target {
  const { value, at_most = Number.POSITIVE_INFINITY, at_least = Number.NEGATIVE_INFINITY } = target;
  return { ...target, met: scale !== 1 || Number.isNaN(value) ? null : value <= at_most && value >= at_least };
}
