import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError, reasonOf } from './errors.ts';
import { lastLines, openLog } from './log-file.ts';
import { elapsed, type Report } from './report.ts';
import { type Start, type WatchOptions, watchStart } from './start-watch.ts';

/** Names of the processes that a stack may have. */
export type MemberName = 'mongod' | 'temporal' | 'worker-indexing' | 'worker-embedding' | 'api';

/** Describes how to run one process of the stack. */
export interface MemberSpec {
  name: MemberName;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** `ipc` if the process reports through Node's own channel (`process.send`). */
  channel: 'ipc' | 'none';
  /** Processes of the lowest tier end first when the stack stops. */
  tier: number;
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  graceMs: number;
  /** Resolves when the process is ready. The start's signal aborts when the process dies or the start is given up. */
  awaitReady(child: ChildProcess, start: Start): Promise<void>;
  /** Advice on a failed start, from its log. */
  adviseOn?: (log: string) => string | undefined;
  /** Awaited before a restart, because a worker whose server is down would die again. */
  before?: () => Promise<void>;
}

/** One supervised process. It is restarted when it dies by itself, and not when it was stopped. */
export interface Member {
  readonly name: MemberName;
  readonly logFile: string;
  /** The process ID; undefined while it does not run. */
  readonly pid: number | undefined;
  /** Starts the process and resolves when it is ready. */
  start(): Promise<void>;
  /** Ends the process with SIGTERM, and SIGKILL after its grace time. It stays stopped until `start`. */
  stop(): Promise<void>;
  /**
   * Sends SIGKILL to the process group and resolves when it is gone. The process is then restarted, as after a crash.
   */
  kill(): Promise<void>;
  /** Resolves when the process is ready, at once if it is; rejects when the stack fails. */
  ready(): Promise<void>;
}

/** Callbacks of a member to its stack. */
export interface MemberEvents {
  report: Report;
  /** The member's process ID has changed. */
  changed(): void;
  /** Whether the stack has stopped or is stopping, so that no process may start any more. */
  over(): boolean;
  /** The member can't be kept running. */
  failed(error: LocalStackError): void;
}

const MOST_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const LONGEST_PAUSE_MS = 4_000;
const LOG_LINES_SHOWN = 12;

/** Creates a member of a stack. `start` runs it. */
export function createMember(
  spec: MemberSpec,
  events: MemberEvents,
  watching: Omit<WatchOptions, 'report'> = {},
): Member {
  let child: ChildProcess | undefined;
  let wanted = false;
  // Counts starts and stops, so that a waiting restart notices a stop or start in the meantime.
  let turn = 0;
  const readiness = createReadiness();
  const deaths: number[] = [];

  async function launch(): Promise<void> {
    if (events.over())
      throw new LocalStackError('StartCanceled', `${spec.name} was not started: the stack is stopping.`);
    const log = openLog(spec.logFile);
    const logStart = fstatSync(log).size;
    const started = spawn(spec.command, spec.args, {
      env: spec.env,
      // A process group of its own keeps Ctrl-C from the members, so that the stack ends them in order.
      detached: true,
      stdio: ['ignore', log, log, ...(spec.channel === 'ipc' ? (['ipc'] as const) : [])],
    });
    closeSync(log);
    child = started;
    const gone = new AbortController();
    started.once('error', (error) => gone.abort(error));
    started.once('exit', (code, signal) => gone.abort(new Error(`it ended with ${signal ?? `exit code ${code}`}`)));
    events.changed();
    try {
      await awaitReady(started, gone.signal);
      gone.signal.throwIfAborted();
    } catch (error) {
      // Read the reason before ending the process, because ending it would overwrite the reason.
      const reason = gone.signal.aborted ? gone.signal.reason : error;
      await end(started);
      child = undefined;
      events.changed();
      throw await startFailure(reason, logStart);
    }
    started.once('exit', (code, signal) => onDeath(signal ?? `exit code ${code}`, logStart));
    readiness.resolve();
  }

  /** Waits for readiness as long as the process lives and shows signs of life. */
  async function awaitReady(started: ChildProcess, gone: AbortSignal): Promise<void> {
    if (started.pid === undefined) return rejectOnAbort(gone);
    const { report } = events;
    const watch = watchStart({ name: spec.name, pid: started.pid, logFile: spec.logFile }, { report, ...watching });
    const signal = AbortSignal.any([gone, watch.signal]);
    try {
      await Promise.race([spec.awaitReady(started, { signal, waitsFor: watch.waitsFor }), rejectOnAbort(signal)]);
    } finally {
      watch.end();
    }
  }

  function onDeath(how: string, logStart: number): void {
    child = undefined;
    events.changed();
    readiness.withdraw();
    if (wanted) void revive(how, logStart);
  }

  async function revive(how: string, logStart: number): Promise<void> {
    const nowMs = performance.now();
    deaths.push(nowMs);
    while (deaths[0] !== undefined && deaths[0] < nowMs - DEATHS_WITHIN_MS) deaths.shift();
    if (deaths.length >= MOST_DEATHS) return giveUp(how, logStart);
    const pauseMs = deaths.length === 1 ? 0 : Math.min(125 * 2 ** deaths.length, LONGEST_PAUSE_MS);
    events.report(`${spec.name} died (${how}); starting it again${pauseMs > 0 ? ` in ${pauseMs / 1000} s` : ''}`);
    const ours = turn;
    await delay(pauseMs);
    await spec.before?.().catch(() => {});
    if (turn !== ours) return;
    const startedMs = performance.now();
    try {
      await launch();
      events.report(`${spec.name} is ready again after ${elapsed(startedMs)}`);
    } catch (error) {
      if (turn === ours) await revive(firstLine(error), logStart);
    }
  }

  async function giveUp(how: string, logStart: number): Promise<void> {
    wanted = false;
    const error = new LocalStackError(
      'CrashLoop',
      `${spec.name} died ${MOST_DEATHS} times within a minute, the last time with: ${how}. ${await logExcerpt(logStart)}`,
    );
    readiness.reject(error);
    events.failed(error);
  }

  async function startFailure(reason: unknown, logStart: number): Promise<LocalStackError> {
    const message = `${spec.name} did not start: ${reasonOf(reason)}. ${await logExcerpt(logStart)}`;
    return new LocalStackError('StartFailed', message, { cause: reason });
  }

  async function logExcerpt(logStart: number): Promise<string> {
    const lines = await lastLines(spec.logFile, LOG_LINES_SHOWN, logStart);
    const excerpt =
      lines.length > 0 ? `; its last lines:\n${lines.map((line) => `  ${line}`).join('\n')}` : ' (empty).';
    const advice = spec.adviseOn?.(lines.join('\n'));
    return `${advice ? `${advice} ` : ''}Its log is ${spec.logFile}${excerpt}`;
  }

  async function end(target: ChildProcess): Promise<void> {
    if (target.pid === undefined || target.exitCode !== null || target.signalCode !== null) return;
    const exited = once(target, 'exit');
    target.kill('SIGTERM');
    const tooLong = setTimeout(() => killGroup(target), spec.graceMs);
    await exited;
    clearTimeout(tooLong);
  }

  return {
    name: spec.name,
    logFile: spec.logFile,
    get pid() {
      return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
    },
    async start() {
      if (wanted) return readiness.settled();
      wanted = true;
      turn += 1;
      readiness.withdraw();
      deaths.length = 0;
      try {
        await launch();
      } catch (error) {
        wanted = false;
        readiness.reject(error);
        throw error;
      }
    },
    async stop() {
      wanted = false;
      turn += 1;
      if (child) await end(child);
      readiness.withdraw();
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      killGroup(child);
      await exited;
    },
    ready: () => readiness.settled(),
  };
}

/** Returns a promise that rejects with the signal's reason. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function killGroup(target: ChildProcess): void {
  try {
    if (target.pid !== undefined) process.kill(-target.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface Readiness {
  resolve(): void;
  reject(error: unknown): void;
  /** Returns to waiting. If it waits already, nothing changes for those who wait. */
  withdraw(): void;
  settled(): Promise<void>;
}

function createReadiness(): Readiness {
  let current = Promise.withResolvers<void>();
  let waiting = true;
  return {
    resolve() {
      waiting = false;
      current.resolve();
    },
    reject(error) {
      waiting = false;
      // Waiting for readiness is optional, so an unhandled rejection must not crash the process.
      current.promise.catch(() => {});
      current.reject(error);
    },
    withdraw() {
      if (waiting) return;
      waiting = true;
      current = Promise.withResolvers<void>();
    },
    settled: () => current.promise,
  };
}

function firstLine(error: unknown): string {
  return reasonOf(error).split('\n')[0] ?? '';
}
