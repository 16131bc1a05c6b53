import { createLogUpdate } from 'log-update';
import type { JobStatus } from '../../contract/job.ts';
import { hasPhases } from '../../contract/job.ts';
import { annotationsInWords, artifactInWords, retryingInWords } from '../../core/jobs/words.ts';
import { paintFor } from '../terminal/paint.ts';
import { printable } from '../terminal/printable.ts';
import { effectLine } from './effect-line.ts';
import { createHighWater } from './high-water.ts';
import { phaseLine } from './phase-line.ts';
import { PHASES } from './phase-words.ts';
import type { ProgressView } from './progress-view.ts';

const FRAME_MS = 100;

/** One line per phase, and one for what is retried, redrawn in place. */
export function createLiveView(stream: NodeJS.WriteStream): ProgressView {
  const draw = createLogUpdate(stream);
  const paint = paintFor(stream);
  const raise = createHighWater();
  const bornMs = performance.now();
  let shown: { status: JobStatus; atMs: number } | undefined;

  function frame(): void {
    if (shown === undefined) return;
    const { status, atMs } = shown;
    const width = stream.columns || 80;
    const nowMs = performance.now();
    const progress = hasPhases(status.kind)
      ? PHASES.map((name) => phaseLine(status, name, { paint, width, ageMs: nowMs - atMs, clockMs: nowMs - bornMs }))
      : [`  ${effectLine(status)}`];
    const retrying = status.retrying === null ? '' : printable(retryingInWords(status.retrying)).slice(0, width - 3);
    const { annotations, artifact } = status;
    const beside = [
      ...(annotations === undefined || !hasPhases(status.kind) ? [] : [annotationsInWords(annotations)]),
      ...(artifact === undefined ? [] : [artifactInWords(artifact)]),
    ].map((line) => `  ${paint.dim(printable(line).slice(0, width - 3))}`);
    draw([...progress, ...beside, ...(retrying === '' ? [] : [`  ${paint.yellow(retrying)}`])].join('\n'));
  }

  const timer = setInterval(frame, FRAME_MS);
  timer.unref();
  return {
    show(status) {
      shown = { status: raise(status), atMs: performance.now() };
      frame();
    },
    note(line) {
      draw.clear();
      stream.write(`${line}\n`);
      frame();
    },
    end() {
      clearInterval(timer);
      frame();
      // The last count of a job without phases is the command's result and is not shown twice.
      if (shown !== undefined && !hasPhases(shown.status.kind) && shown.status.finished_at !== null) draw.clear();
      draw.done();
    },
  };
}
