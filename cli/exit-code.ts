/** What the command's exit says to a script. */
export const EXIT = {
  ok: 0,
  /** The load failed or was canceled, or the command could not do its work. */
  failed: 1,
  /** The command line, or a value on it, is wrong. */
  usage: 2,
  /** No such job or dataset. */
  notFound: 3,
  /** As of timeout(1). */
  timedOut: 124,
  /** 128 and the signal's number. */
  interrupted: 130,
  terminated: 143,
} as const;

/** For the help of the whole program. */
export const EXIT_CODES_HELP = `Exit codes: 0 done, 1 failed or canceled, 2 wrong usage, 3 no such job,
dataset or schedule, 124 timed out (wait --timeout), 130 interrupted.`;

/** For the help of what starts a job. */
export const START_EXIT_CODES_HELP = `Exit codes: 0 started, or with --wait completed; 1 not started, or with --wait
failed or canceled; 2 wrong usage; 3 not found; 130 Ctrl-C, the job goes on.`;
