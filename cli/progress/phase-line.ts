import type { JobStatus, PhaseName, PhaseState } from '../../contract/job.ts';
import type { Paint } from '../terminal/paint.ts';
import { wordsOf } from './phase-words.ts';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_STEP_MS = 100;
const LONGEST_BAR = 30;
const SHORTEST_BAR = 6;
const GAP = '   ';
/** Columns of the mark, the name and the spaces around them. */
const LEAD = 15;

export interface LineOptions {
  paint: Paint;
  /** Columns of the terminal. */
  width: number;
  /** How old the status is. */
  ageMs: number;
  /** Time since the view began; it moves the spinner. */
  clockMs: number;
}

/** A phase on one line: mark, name, bar, counts, rate, time. If it does not fit, the bar is left out first. */
export function phaseLine(status: JobStatus, name: PhaseName, { paint, width, ageMs, clockMs }: LineOptions): string {
  const phase = status.phases[name];
  const words = wordsOf(status, name, ageMs / 1000);
  const lead = `${markOf(phase.state, clockMs, paint)} ${paint.bold(titleOf(name).padEnd(LEAD - 6))}  `;
  const room = Math.max(0, width - LEAD - 1);
  const started = phase.total > 0 && phase.state !== 'skipped';
  if (!started) return `  ${lead}${paint.dim(words.main.slice(0, room))}`;

  const parts = [words.main.slice(0, room), words.failed, words.rate, words.time].filter((part) => part !== '');
  while (parts.length > 1 && parts.join(GAP).length > room) parts.pop();
  const barRoom = room - parts.join(GAP).length - GAP.length;
  const bar = barRoom < SHORTEST_BAR ? '' : `${barOf(phase, Math.min(barRoom, LONGEST_BAR), clockMs, paint)}  `;
  const [main, ...others] = parts;
  const painted = [main, ...others.map((part) => (part === words.failed ? paint.red(part) : paint.dim(part)))];
  return `  ${lead}${bar}${painted.join(GAP)}`;
}

const titleOf = (name: PhaseName) => name.charAt(0).toUpperCase() + name.slice(1);

function markOf(state: PhaseState, clockMs: number, paint: Paint): string {
  switch (state) {
    case 'completed':
      return paint.green('✔');
    case 'failed':
    case 'canceled':
      return paint.red('✖');
    case 'running':
    case 'waiting':
      return paint.cyan(SPINNER[Math.floor(clockMs / SPINNER_STEP_MS) % SPINNER.length] ?? '');
    default:
      return paint.dim('·');
  }
}

function barOf(phase: JobStatus['phases'][PhaseName], length: number, clockMs: number, paint: Paint): string {
  // While the total still grows, a share would go backwards.
  if (!phase.total_known && phase.finished_at === null) return sweep(length, clockMs, paint);
  const share = Math.min(1, (phase.done + phase.failed) / phase.total);
  const halves = Math.floor(share * length * 2);
  const filled = '━'.repeat(Math.floor(halves / 2));
  const half = halves % 2 === 1 ? '╸' : '';
  const rest = '─'.repeat(length - filled.length - half.length);
  const brush = phase.finished_at === null ? paint.cyan : phase.state === 'completed' ? paint.green : paint.red;
  return `${brush(filled + half)}${rest === '' ? '' : paint.dim(rest)}`;
}

/** A bar without a share: a short piece moves over it. */
function sweep(length: number, clockMs: number, paint: Paint): string {
  const piece = Math.min(6, length);
  const at = Math.floor(clockMs / SPINNER_STEP_MS) % (length - piece + 1);
  const [before, after] = ['─'.repeat(at), '─'.repeat(length - piece - at)];
  return `${paint.dim(before)}${paint.cyan('━'.repeat(piece))}${paint.dim(after)}`;
}
