import type { FailureCode } from '../contract/failures.ts';

/** Exit codes of the command. */
export const EXIT = {
  ok: 0,
  /** The job failed or was canceled, or the command could not do its work. */
  failed: 1,
  /** The command line, a value on it, or plimsoll.toml is wrong. */
  usage: 2,
  /** No such job, dataset, model or schedule. */
  notFound: 3,
  /** As timeout(1) exits. */
  timedOut: 124,
  /** 128 plus the signal's number. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

const BY_ERROR: Readonly<Partial<Record<FailureCode, number>>> = {
  InvalidUsage: EXIT.usage,
  InvalidConfig: EXIT.usage,
  InvalidInput: EXIT.usage,
  InvalidSchedule: EXIT.usage,
  InvalidVector: EXIT.usage,
  AmbiguousJob: EXIT.usage,
  JobNotFound: EXIT.notFound,
  DatasetNotFound: EXIT.notFound,
  ModelNotInDataset: EXIT.notFound,
  SampleNotFound: EXIT.notFound,
  ChunkNotFound: EXIT.notFound,
  ScheduleNotFound: EXIT.notFound,
  UnknownModel: EXIT.notFound,
  WaitTimeout: EXIT.timedOut,
};

/** The exit code for an error's code. */
export const exitCodeFor = (code: FailureCode): number => BY_ERROR[code] ?? EXIT.failed;

/** For the help of the whole program. */
export const EXIT_CODES_HELP = `Exit codes: 0 done, 1 failed or canceled, 2 wrong usage, 3 no such job,
dataset, model or schedule, 124 timed out (wait --timeout), 130 interrupted.`;

/** For the help of commands that start a job. */
export const START_EXIT_CODES_HELP = `Exit codes: 0 started, or with --wait completed; 1 not started, or with --wait
failed or canceled; 2 wrong usage; 3 not found; 130 Ctrl-C, the job goes on.`;
