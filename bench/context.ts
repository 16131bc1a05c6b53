import type { Figure } from './figure.ts';

/** What every measurement gets. */
export interface BenchContext {
  env: NodeJS.ProcessEnv;
  /** Where the images lie that were made to measure with. */
  imagesDir: string;
  /** Where models lie that were made to measure with. */
  modelsDir: string;
  /** Runs of each measurement. */
  runs: number;
  /** 1 measures what the targets are about; less is a rehearsal. */
  scale: number;
  /** Whether stacks' folders stay: their logs and their data. */
  keep: boolean;
  /** Where the CPU profiles of the workers go, if they are wanted. */
  profileDir: string | undefined;
  signal: AbortSignal;
  report: (line: string) => void;
}

/** One thing to measure. */
export interface Measurement {
  name: string;
  /** One line for the help. */
  summary: string;
  /** Whether it runs without being asked for. */
  byDefault: boolean;
  measure(context: BenchContext): Promise<Figure[]>;
}

/** A count as this run scales it. */
export function scaled({ scale }: BenchContext, count: number): number {
  return Math.max(1, Math.round(count * scale));
}
