import prettyMilliseconds from 'pretty-ms';

/** `12,345` */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** `1 file`, `12,345 files` */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** `38.2/s`, `6,250/s` */
export function perSecond(rate: number): string {
  return `${rate < 100 ? rate.toFixed(1) : count(Math.round(rate))}/s`;
}

/** `0.4s`, `14s`, `3m 20s`, `2h 5m` */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)}s`;
  return roundDuration(seconds);
}

/** The same in whole seconds. */
export function roundDuration(seconds: number): string {
  return prettyMilliseconds(Math.round(seconds) * 1000, { unitCount: 2 });
}

/** Seconds between two times of a status; undefined if one is null, or if the clock was set back between them. */
export function secondsBetween(from: string | null, to: string | null): number | undefined {
  const seconds = from === null || to === null ? undefined : (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds === undefined || seconds < 0 ? undefined : seconds;
}

/** `just now`, `5m ago`, `3d ago` */
export function ago(time: string, now = Date.now()): string {
  const ms = now - Date.parse(time);
  return ms < 1000 ? 'just now' : `${prettyMilliseconds(ms, { compact: true })} ago`;
}
