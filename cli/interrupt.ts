import { EXIT } from './exit-code.ts';

export interface Interrupt {
  /** Aborts at the first Ctrl-C or request to end. */
  readonly signal: AbortSignal;
  /** The exit code for the signal that came. */
  readonly exitCode: number;
  release(): void;
}

const EXIT_CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns the first Ctrl-C into an abort signal, and calls `onSecond` at the next one. By default, that ends the process.
 */
export function catchInterrupt(onSecond: (exitCode: number) => void = (exitCode) => process.exit(exitCode)): Interrupt {
  const controller = new AbortController();
  let exitCode: number = EXIT.interrupted;
  const hear = (name: (typeof SIGNALS)[number]) => {
    exitCode = EXIT_CODES[name];
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
