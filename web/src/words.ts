/** Formats quantities, times and durations for people. */
const number = new Intl.NumberFormat('en-US');

export const count = (n: number) => number.format(n);
export const counted = (n: number, noun: string) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

export function perSecond(rate: number): string {
  return `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0.1, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Formats a remaining time. It is an estimate, so it is rounded to steps that do not flicker. */
export function roughDuration(seconds: number): string {
  if (seconds < 5) return 'a few seconds';
  if (seconds < 60) return `${Math.ceil(seconds / 5) * 5} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let size = n;
  let unit = -1;
  do {
    size /= 1000;
    unit++;
  } while (size >= 999.5 && unit < units.length - 1);
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const dated = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const dayTime = (time: string) => dated.format(new Date(time));
export const wholeTime = (time: string) => whole.format(new Date(time));

/** `just now`, `4 min ago`, `14:02`, `3 Nov, 14:02`. */
export function ago(time: string, nowMs: number): string {
  const at = new Date(time);
  const seconds = (nowMs - at.getTime()) / 1000;
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  return at.toDateString() === new Date(nowMs).toDateString() ? clock.format(at) : day.format(at);
}

/** Formats a future time: `tomorrow 22:00` for near days, the date for others. */
export function until(time: string, nowMs: number): string {
  const at = new Date(time);
  return at.toDateString() === new Date(nowMs).toDateString() ? clock.format(at) : day.format(at);
}

export const fileName = (path: string) => path.slice(path.lastIndexOf('/') + 1);
export const folderOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** A cosine with two digits, rounded down: `1.00` is equal. */
export const scoreWords = (score: number): string => (Math.floor(score * 100 + 1e-4) / 100).toFixed(2);
