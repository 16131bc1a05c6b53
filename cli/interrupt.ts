import { EXIT } from './exit-code.ts';

export interface Interrupt {
  /** Aborts at the first Ctrl-C, or order to end. */
  readonly signal: AbortSignal;
  /** The exit code that tells which it was. */
  readonly exitCode: number;
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Turns the first Ctrl-C into an abort signal; `onSecond` hears the next one, and by default ends the process. */
export function catchInterrupt(onSecond: (exitCode: number) => void = (exitCode) => process.exit(exitCode)): Interrupt {
  const controller = new AbortController();
  let exitCode: number = EXIT.interrupted;
  const hear = (name: NodeJS.Signals) => {
    exitCode = name === 'SIGINT' ? EXIT.interrupted : name === 'SIGTERM' ? EXIT.terminated : 129;
    if (controller.signal.aborted) onSecond(exitCode);
    else controller.abort();
  };
  for (const name of SIGNALS) process.on(name, hear);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    release() {
      for (const name of SIGNALS) process.off(name, hear);
    },
  };
}
