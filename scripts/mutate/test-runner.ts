import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';
import type { TestReport, TestRequest } from './test-process.ts';

export interface TestRun {
  /** The first failure of each test file that ended; undefined if it passed. */
  ended: Map<string, string | undefined>;
  /** Test files that began and did not end, because a change made the code loop or wait forever. */
  hung: string[];
  /** An error outside of all tests. */
  failure: string | undefined;
}

export interface TestRunner {
  /** Runs test files in this order. Gives up when none begins or ends within `limitMs`. */
  run(request: TestRequest, limitMs: number): Promise<TestRun>;
  stop(): Promise<void>;
}

/** Runs tests in a sandbox, in a process that is replaced when it has to be killed. */
export function createTestRunner({ root, env }: Sandbox, more: NodeJS.ProcessEnv): TestRunner {
  let child: ChildProcess | undefined;

  const start = async () => {
    // A process group of its own lets the tests' processes be killed with it.
    const started = fork(join(import.meta.dirname, 'test-process.ts'), {
      cwd: root,
      env: { ...process.env, ...env, ...more },
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child = started;
    await reportsOf(started, () => undefined, undefined);
    return started;
  };

  const stop = async () => {
    const ended = child;
    child = undefined;
    if (ended?.pid === undefined || ended.exitCode !== null || ended.signalCode !== null) return;
    const exited = once(ended, 'exit');
    process.kill(-ended.pid, 'SIGKILL');
    await exited;
  };

  return {
    stop,
    async run(request, limitMs) {
      const running = child ?? (await start());
      const begun = new Set<string>();
      const ended = new Map<string, string | undefined>();
      const over = reportsOf(
        running,
        (report) => {
          if (report.type === 'begun') begun.add(report.test);
          if (report.type === 'ended') ended.set(report.test, report.failure);
        },
        limitMs,
      );
      running.send(request);
      const outcome = await over;
      if (outcome === 'silent') await stop();
      const hung = outcome === 'silent' ? [...begun].filter((test) => !ended.has(test)) : [];
      return { ended, hung, failure: outcome === 'silent' ? undefined : outcome.failure };
    },
  };
}

/** Resolves with the last report, or when none has arrived within the limit. */
function reportsOf(
  child: ChildProcess,
  onReport: (report: TestReport) => void,
  limitMs: number | undefined,
): Promise<'silent' | { failure: string | undefined }> {
  return new Promise((resolve, reject) => {
    const timer = limitMs === undefined ? undefined : setTimeout(() => settle(() => resolve('silent')), limitMs);
    const onMessage = (report: TestReport) => {
      timer?.refresh();
      onReport(report);
      if (report.type === 'over') settle(() => resolve({ failure: report.failure }));
    };
    const onExit = () => settle(() => reject(new Error('The process that runs the tests has ended.')));
    const settle = (how: () => void) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      how();
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}
