import type { AlreadyRunningError } from '../client/if-running.ts';
import { type FailureCode, isFailureCode } from '../contract/failures.ts';
import { EXIT, exitCodeFor } from './exit-code.ts';

/** An error as the command shows it: in JSON as `{"error": {"code", "message"}}`, for people as its message. */
export interface Failure {
  /** Stable, for programs. */
  code: FailureCode;
  /** For people: what was wrong, with which value, and what to do. */
  message: string;
  exitCode: number;
  /** Only for unforeseen errors, which are probably faults of Plimsoll. */
  stack?: string;
  /** The last status seen, if a wait timed out. */
  status?: unknown;
}

/** A mistake on the command line. */
export class UsageError extends Error {
  readonly code = 'InvalidUsage' satisfies FailureCode;
}

/** Ctrl-C or SIGTERM while the command waits for something that goes on without it. */
export class InterruptedError extends Error {
  readonly code = 'Interrupted' satisfies FailureCode;
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Turns any error into what the command shows, and the exit code. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'Unexpected', message: String(error), exitCode: EXIT.failed };
  if (error instanceof InterruptedError) return { code: error.code, message: error.message, exitCode: error.exitCode };
  const { message } = error;
  if (isCommander(error))
    return { code: 'InvalidUsage', message: message.replace(/^error: /, ''), exitCode: EXIT.usage };
  // This error of the SDK has a name and no code.
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
  return { code, message, exitCode: exitCodeFor(code), ...(code === 'WaitTimeout' ? status : {}) };
}

/** Looks at the fields. Importing the class would load Temporal's client. */
function isAlreadyRunning(error: Error, code: string): error is AlreadyRunningError {
  return code === 'AlreadyRunning' && 'choices' in error;
}

/** Advice in terms of this command's options. The client's error names none, since the HTTP API shows it, too. */
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
