const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `812 B`, `4.6 kB`, `603 MB`, in decimal units. */
export function byteSize(bytes: number): string {
  let unit = 0;
  let size = bytes;
  // 999.5 would be written as 1000.
  for (; size >= 999.5 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${size < 9.95 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}
