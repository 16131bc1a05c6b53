import type { AlreadyRunningError } from '../client/if-running.ts';
import { type FailureCode, isFailureCode } from '../contract/failures.ts';
import { EXIT } from './exit-code.ts';

/** An error as the command shows it: in JSON as `{"error": {"code", "message"}}`, for people as its message. */
export interface Failure {
  /** Stable, for programs. */
  code: FailureCode;
  /** For people: what was wrong, with which value, and what to do. */
  message: string;
  exitCode: number;
  /** For who looks for the fault in Plimsoll itself; only where nothing better is known. */
  stack?: string;
  /** The last status seen, where a wait timed out. */
  status?: unknown;
}

/** A mistake on the command line. */
export class UsageError extends Error {
  readonly code = 'InvalidUsage' satisfies FailureCode;
}

/** Ctrl-C or SIGTERM, while waiting for something that goes on without us. */
export class InterruptedError extends Error {
  readonly code = 'Interrupted' satisfies FailureCode;
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const EXIT_CODES: Readonly<Partial<Record<FailureCode, number>>> = {
  InvalidUsage: EXIT.usage,
  InvalidInput: EXIT.usage,
  InvalidSchedule: EXIT.usage,
  AmbiguousJob: EXIT.usage,
  JobNotFound: EXIT.notFound,
  DatasetNotFound: EXIT.notFound,
  ScheduleNotFound: EXIT.notFound,
  WaitTimeout: EXIT.timedOut,
};

/** What an error means to who runs the command. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'Unexpected', message: String(error), exitCode: EXIT.failed };
  if (error instanceof InterruptedError) return { code: error.code, message: error.message, exitCode: error.exitCode };
  const { message } = error;
  if (isCommander(error))
    return { code: 'InvalidUsage', message: message.replace(/^error: /, ''), exitCode: EXIT.usage };
  // Of the SDK: it has a name and no code.
  if (error.name === 'NamespaceNotFoundError')
    return {
      code: 'NamespaceNotFound',
      message: `${message}. Create it on that server (temporal operator namespace create), or set TEMPORAL_NAMESPACE.`,
      exitCode: EXIT.failed,
    };
  const code = codeOf(error);
  if (code === undefined)
    return { code: 'Unexpected', message, exitCode: EXIT.failed, ...(error.stack ? { stack: error.stack } : {}) };
  if (isAlreadyRunning(error, code)) return { code, message: `${message} ${whatToDo(error)}`, exitCode: EXIT.failed };
  const status = 'status' in error ? { status: error.status ?? null } : {};
  return { code, message, exitCode: EXIT_CODES[code] ?? EXIT.failed, ...(code === 'WaitTimeout' ? status : {}) };
}

/** By what it has: its class brings Temporal's client along. */
function isAlreadyRunning(error: Error, code: string): error is AlreadyRunningError {
  return code === 'AlreadyRunning' && 'choices' in error;
}

/** In this command's words: the client's error is read by others, too. */
function whatToDo({ job, choices }: AlreadyRunningError): string {
  const words = {
    attach: '--if-running attach takes it as yours',
    replace: '--if-running replace cancels it and starts anew',
  };
  const others = choices.flatMap((choice) => (choice === 'fail' ? [] : [words[choice]]));
  return [`Wait for it: plimsoll wait ${job.job_id}`, ...others].join('; ');
}

function isCommander(error: Error): boolean {
  return 'code' in error && String(error.code).startsWith('commander.');
}

/** The error's own code; `Unexpected` for a code that is not ours, as ENOENT, which the message names. */
function codeOf(error: Error): FailureCode | undefined {
  if (!('code' in error) || typeof error.code !== 'string') return undefined;
  return isFailureCode(error.code) ? error.code : 'Unexpected';
}
