import type { JobStatus, PhaseName } from '../../contract/job.ts';
import { removes } from '../../core/jobs/kinds.ts';
import { createHighWater } from './high-water.ts';
import { briefWaitMs, PHASES, TAKEN_UP_MS, wordsOf } from './phase-words.ts';
import type { ProgressView } from './progress-view.ts';
import { removalLine } from './removal-line.ts';

const BETWEEN_LINES_MS = 5000;

/** Plain lines for logs: each change of a phase's state, and every few seconds how far it is. */
export function createPlainView(stream: NodeJS.WritableStream): ProgressView {
  const raise = createHighWater();
  /** What each phase does, and what it waits for. */
  const states = new Map<PhaseName, string>();
  const lines = new Map<PhaseName | 'removal', string>();
  let writtenMs = performance.now();

  function write(name: PhaseName | 'removal', line: string): void {
    if (lines.get(name) === line) return;
    lines.set(name, line);
    stream.write(`${line}\n`);
  }

  /** Looks again at a status that may be the last for long. */
  let lookAgain: NodeJS.Timeout | undefined;

  function show(status: JobStatus): void {
    clearTimeout(lookAgain);
    const due = performance.now() - writtenMs >= BETWEEN_LINES_MS;
    if (due) writtenMs = performance.now();
    if (removes(status.kind)) {
      // At its end, it is the result.
      if (due && status.finished_at === null) write('removal', removalLine(status));
      return;
    }
    for (const name of PHASES) {
      const { state, waiting_for } = status.phases[name];
      const waitedMs = briefWaitMs(status.phases[name]);
      if (waitedMs !== undefined) {
        lookAgain = setTimeout(() => show(status), TAKEN_UP_MS - waitedMs);
        lookAgain.unref();
        continue;
      }
      const stands = `${state} ${waiting_for?.reason ?? ''}`;
      const news = states.get(name) !== stands;
      states.set(name, stands);
      if (news || (due && state === 'running')) write(name, lineOf(status, name));
    }
  }

  return {
    show: (latest) => show(raise(latest)),
    note: (line) => void stream.write(`${line}\n`),
    end: () => clearTimeout(lookAgain),
  };
}

function lineOf(status: JobStatus, name: PhaseName): string {
  const { state } = status.phases[name];
  const { main, failed, rate, time } = wordsOf(status, name);
  const said = [main, failed, rate, time].filter((part) => part !== '').join(', ');
  const alreadyNamed = state === 'waiting' || state === 'skipped' || said.startsWith('waiting') || said === 'starting';
  return alreadyNamed ? `${name}: ${said}` : `${name}: ${state}, ${said}`;
}
