import type { JobStatus, PhaseName } from '../../contract/job.ts';
import { hasPhases } from '../../contract/job.ts';
import { annotationsInWords, artifactInWords, retryingInWords } from '../../core/jobs/words.ts';
import { printable } from '../terminal/printable.ts';
import { effectLine } from './effect-line.ts';
import { createHighWater } from './high-water.ts';
import { BRIEF_WAIT_MS, briefWaitMs, PHASES, wordsOf } from './phase-words.ts';
import type { ProgressView } from './progress-view.ts';

const BETWEEN_LINES_MS = 5000;

/**
 * Plain lines for logs: one for each change of a phase's state, one every few seconds with its counts, and one for what
 * is retried.
 */
export function createPlainView(stream: NodeJS.WritableStream): ProgressView {
  const raise = createHighWater();
  /** The state of each phase, and the reason of its wait. */
  const states = new Map<PhaseName, string>();
  const lines = new Map<PhaseName | 'effect' | 'retrying' | 'annotations' | 'artifact', string>();
  /** The retried activity and its error. */
  let retried: string | undefined;
  let writtenMs = performance.now();

  function write(name: PhaseName | 'effect' | 'retrying' | 'annotations' | 'artifact', line: string): void {
    if (lines.get(name) === line) return;
    lines.set(name, line);
    stream.write(`${line}\n`);
  }

  /** Further attempts with the same error are worth a line only now and then. */
  function showRetrying({ retrying }: JobStatus, due: boolean): void {
    const before = retried;
    retried = retrying === null ? undefined : `${retrying.activity} ${retrying.error.code}`;
    if (retrying !== null && (due || retried !== before)) write('retrying', printable(retryingInWords(retrying)));
  }

  /** Shows a status again later, as no other may come for long. */
  let lookAgain: NodeJS.Timeout | undefined;

  function show(status: JobStatus): void {
    clearTimeout(lookAgain);
    const due = performance.now() - writtenMs >= BETWEEN_LINES_MS;
    if (due) writtenMs = performance.now();
    showRetrying(status, due);
    if (!hasPhases(status.kind)) {
      // The last count is the command's result.
      if (due && status.finished_at === null) write('effect', effectLine(status));
      return;
    }
    const { annotations, artifact } = status;
    if (annotations !== undefined && (due || annotations.state === 'completed'))
      write('annotations', printable(annotationsInWords(annotations)));
    if (artifact !== undefined && (due || artifact.state === 'completed'))
      write('artifact', printable(artifactInWords(artifact)));
    for (const name of PHASES) {
      const { state, waiting_for } = status.phases[name];
      const waitedMs = briefWaitMs(status.phases[name]);
      if (waitedMs !== undefined) {
        lookAgain = setTimeout(() => show(status), BRIEF_WAIT_MS - waitedMs);
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
