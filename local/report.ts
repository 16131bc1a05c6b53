import prettyMilliseconds from 'pretty-ms';

/** Takes one finished line for a person: no trailing newline, no escape codes. */
export type Report = (line: string) => void;

/** A reporter for those who want to hear nothing. */
export const silent: Report = () => {};

/** `1m 20s`, `350ms`: how long ago `startedMs` (of `performance.now()`) was. */
export function elapsed(startedMs: number): string {
  const ms = performance.now() - startedMs;
  return prettyMilliseconds(ms, ms < 1000 ? { millisecondsDecimalDigits: 0 } : { secondsDecimalDigits: 0 });
}
