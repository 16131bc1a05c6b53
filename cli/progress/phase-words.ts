import type { JobStatus, PhaseName, PhaseStatus, WaitingStatus } from '../../contract/job.ts';
import { INDEXING_TASK_QUEUE } from '../../contract/names.ts';
import { waitingInWords } from '../../core/jobs/words.ts';
import { count, counted, duration, perSecond, roundDuration, secondsBetween } from '../terminal/quantities.ts';

export const PHASES: readonly PhaseName[] = ['indexing', 'embedding'];

/** A worker that is there begins a queued job within this time. */
const BEGUN_WITHIN_MS = 2000;
const WORTH_A_WORD_SECONDS = 60;
/** An idle worker starts waiting work within this time. A shorter wait is not worth a word. */
export const BRIEF_WAIT_MS = 3000;

const ITEMS: Readonly<Record<PhaseName, string>> = { indexing: 'file', embedding: 'sample' };

/** The state of a phase in words: for a line of a plain terminal, or beside a bar. */
export interface PhaseWords {
  /** `2,048 / 9,997 samples`, `search index: 4,000 / 10,000 vectors`, or what it waits for. */
  main: string;
  /** `3 failed`, or nothing. */
  failed: string;
  /** `38.2/s`, or `limited to 10/s`, or nothing. */
  rate: string;
  /** `3m 20s left`, `nothing for 40s`, `in 14s`, `in 1m 41s (waited 1m 32s)`, or nothing. */
  time: string;
}

/** @param secondsSince how old the status is */
export function wordsOf(status: JobStatus, name: PhaseName, secondsSince = 0): PhaseWords {
  const phase = status.phases[name];
  const waiting = waitsFor(status, name);
  const failed = phase.failed > 0 ? `${count(phase.failed)} failed` : '';
  if (waiting !== undefined) return { main: waiting, failed, rate: '', time: '' };
  const { index } = phase;
  const over = phase.finished_at !== null;
  if (index !== undefined && !over)
    return {
      main: `search index: ${count(index.done)} / ${counted(index.total, 'vector')}`,
      failed,
      rate: '',
      time: '',
    };
  const processed = phase.done + phase.failed;
  if (index !== undefined && phase.total === 0)
    return {
      main: `${counted(index.done, 'vector')} in the index`,
      failed,
      rate: '',
      time: timeOf(phase, secondsSince),
    };
  const main = over && processed === phase.total ? counted(processed, ITEMS[name]) : soFarOf(phase, name);
  return {
    main,
    failed,
    rate: rateOf(phase),
    time: timeOf(phase, secondsSince),
  };
}

/** `2,048 / 9,997 samples`; `2,048 / 4,096+ samples` while the source is still being listed. */
function soFarOf({ done, failed, total, total_known }: PhaseStatus, name: PhaseName): string {
  const of = total_known ? counted(total, ITEMS[name]) : `${count(total)}+ ${ITEMS[name]}s`;
  return `${count(done + failed)} / ${of}`;
}

function rateOf(phase: PhaseStatus): string {
  const { rate, waiting_for } = phase;
  const limit = waiting_for?.reason === 'throttled' ? waiting_for.samples_per_second : undefined;
  if (limit !== undefined && waiting_for !== null) return `limited to ${count(limit)}/s${soFar(waiting_for)}`;
  return rate === null || !hasRate(phase) ? '' : perSecond(rate);
}

/** A phase that ended with nothing done has no rate. */
export const hasRate = ({ rate, done, finished_at }: PhaseStatus): boolean =>
  rate !== null && (done > 0 || finished_at === null);

/** How long a wait has lasted; nothing for the first minute. */
function soFar({ since }: WaitingStatus): string {
  const seconds = secondsSinceTime(since);
  return seconds < WORTH_A_WORD_SECONDS ? '' : ` (${roundDuration(seconds)} so far)`;
}

/** `in 14s`, `in 1m 41s (waited 1m 32s)` */
export function took(seconds: number, { waited_seconds }: PhaseStatus): string {
  const waited = Math.round(waited_seconds) >= 1 ? ` (waited ${duration(waited_seconds)})` : '';
  return `in ${duration(seconds)}${waited}`;
}

const secondsSinceTime = (time: string) => (Date.now() - Date.parse(time)) / 1000;

function timeOf(phase: PhaseStatus, secondsSince: number): string {
  if (phase.finished_at !== null) {
    const seconds = secondsBetween(phase.started_at, phase.finished_at);
    return seconds === undefined ? '' : took(seconds, phase);
  }
  if (phase.still_since !== null) return `nothing for ${roundDuration(secondsSinceTime(phase.still_since))}`;
  if (phase.seconds_left === null) return '';
  const left = phase.seconds_left - Math.floor(secondsSince);
  return left > 0 ? `${roundDuration(left)} left` : 'finishing';
}

/** How long a phase has waited for its first worker, in ms; undefined if that is no longer brief, or not its state. */
export function briefWaitMs({ waiting_for, started_at }: PhaseStatus): number | undefined {
  if (started_at !== null || waiting_for?.reason !== 'worker') return undefined;
  const ms = Date.now() - Date.parse(waiting_for.since);
  return ms < BRIEF_WAIT_MS ? ms : undefined;
}

/** The reason for which a phase does not run; undefined for a phase that runs or has run. */
function waitsFor({ state, phases, started_at }: JobStatus, name: PhaseName): string | undefined {
  const phase = phases[name];
  if (phase.state === 'skipped') return 'skipped';
  if (phase.state === 'waiting') {
    if (briefWaitMs(phase) !== undefined) return 'starting';
    const { waiting_for } = phase;
    const waiting =
      waiting_for === null ? 'waiting' : `${waitingInWords(waiting_for, Date.now())}${soFar(waiting_for)}`;
    return phase.started_at === null ? waiting : `${waiting}, ${soFarOf(phase, name)}`;
  }
  if (phase.state !== 'pending')
    return phase.total === 0 && phase.finished_at === null && phase.index === undefined ? 'starting' : undefined;
  if (name === 'embedding' && phases.indexing.state !== 'skipped' && phases.indexing.finished_at === null)
    return 'waiting for indexing';
  const isLate = Date.now() - Date.parse(started_at ?? '') > BEGUN_WITHIN_MS;
  return state === 'queued' && isLate ? `waiting for a worker on ${INDEXING_TASK_QUEUE}` : 'starting';
}
