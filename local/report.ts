import prettyMilliseconds from 'pretty-ms';

/** Receives one line for a person, without trailing newline and escape codes. */
export type Report = (line: string) => void;

/** A reporter that ignores all lines. */
export const silent: Report = () => {};

/** Formats the time since `startedMs` (of `performance.now()`), for example `1m 20s` or `350ms`. */
export function elapsed(startedMs: number): string {
  const ms = performance.now() - startedMs;
  return prettyMilliseconds(ms, ms < 1000 ? { millisecondsDecimalDigits: 0 } : { secondsDecimalDigits: 0 });
}
