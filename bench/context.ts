import type { Figure } from './figure.ts';

/** Settings that every measurement gets. */
export interface BenchContext {
  env: NodeJS.ProcessEnv;
  /** Folder of the generated images. */
  imagesDir: string;
  /** Folder of the generated models. */
  modelsDir: string;
  /** Number of runs of each measurement. */
  runs: number;
  /** Share of the full counts. Targets apply to 1; a smaller scale is a rehearsal. */
  scale: number;
  /** Whether to keep the stacks' folders with logs and data. */
  keep: boolean;
  /** Folder for CPU profiles of the workers; none are written if omitted. */
  profileDir: string | undefined;
  signal: AbortSignal;
  report: (line: string) => void;
}

/** A measurement of the benchmark. */
export interface Measurement {
  name: string;
  /** One line for the help. */
  summary: string;
  /** Whether it runs by default. */
  byDefault: boolean;
  measure(context: BenchContext): Promise<Figure[]>;
}

/** Scales a count for this run. */
export function scaled({ scale }: BenchContext, count: number): number {
  return Math.max(1, Math.round(count * scale));
}
