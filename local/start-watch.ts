import { setTimeout as delay } from 'node:timers/promises';
import { elapsed, type Report } from './report.ts';
import { signsOfLife } from './signs-of-life.ts';

/** A start in progress, for the function that waits for it. */
export interface Start {
  /** Aborts when waiting is pointless; its reason says why. */
  readonly signal: AbortSignal;
  /** Sets what the start waits for, for example "port 27017 to accept connections". */
  waitsFor(what: string): void;
}

export interface StartWatch extends Start {
  /** Ends the watch. */
  end(): void;
}

export interface Watched {
  name: string;
  /** Process ID of the leader of its process group. */
  pid: number;
  logFile: string;
}

export interface WatchOptions {
  report: Report;
  /** Awaited before each check of the process. */
  pause?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** The wait ends after this many checks in a row without a sign of life. */
  silentLooks?: number | undefined;
}

const LOOK_EVERY_MS = 5_000;
/** The first check that finds the process still starting is reported, then each sixth: after 5 s, then every 30 s. */
const LOOKS_PER_REPORT = 6;
/** Five minutes on a quiet machine. Counting checks instead of time allows for a busy machine, which delays both. */
const SILENT_LOOKS = 60;

/**
 * Watches a process that starts. Reports what it waits for, after 5 s and then every 30 s, and gives up after 60 checks
 * in a row without a sign of life. Signs of life are output in its log, processor time of its process group, and a step
 * of the start (its port is open, its server answers). There is no other limit: a slow start on a busy machine is no
 * error, and the user sees the reports and can stop it.
 */
export function watchStart({ name, pid, logFile }: Watched, options: WatchOptions): StartWatch {
  const { report, pause = pauseBetweenLooks, silentLooks = SILENT_LOOKS } = options;
  const startedMs = performance.now();
  const givenUp = new AbortController();
  const ended = new AbortController();
  let waitsFor = 'it to be ready';

  async function look(): Promise<void> {
    let [last, lastWaitsFor, aliveMs] = [await signsOfLife(pid, logFile), waitsFor, startedMs];
    for (let looks = 0, silent = 0; ; looks++) {
      await pause(ended.signal);
      const signs = await signsOfLife(pid, logFile);
      if (ended.signal.aborted) return;
      // If no signs of life can be read, a running process counts as alive.
      const alive = signs === undefined || signs !== last || waitsFor !== lastWaitsFor;
      [last, lastWaitsFor] = [signs, waitsFor];
      silent = alive ? 0 : silent + 1;
      if (alive) aliveMs = performance.now();
      if (silent === silentLooks) {
        const silence = `no log output and no processor time for ${elapsed(aliveMs)}`;
        return givenUp.abort(
          new Error(`it runs, but shows no sign of life: ${silence}, while waiting for ${waitsFor}`),
        );
      }
      if (looks % LOOKS_PER_REPORT > 0) continue;
      const state = silent === 0 ? 'runs' : `shows no sign of life for ${elapsed(aliveMs)}`;
      report(
        `${name}: waiting for ${elapsed(startedMs)} for ${waitsFor}; process ${pid} ${state}, its log is ${logFile}`,
      );
    }
  }

  look().catch((error: unknown) => {
    if (!ended.signal.aborted) givenUp.abort(error);
  });
  return {
    signal: givenUp.signal,
    waitsFor(what) {
      waitsFor = what;
    },
    end: () => ended.abort(),
  };
}

async function pauseBetweenLooks(signal: AbortSignal): Promise<void> {
  await delay(LOOK_EVERY_MS, undefined, { signal });
}
