/** The names by which formats know an image, compared with the paths of samples. */

/** The parts of a name: separators of any system, without a drive, without `.`. Undefined if a part is `..`. */
export function partsOfName(name: string): string[] | undefined {
  const parts = name
    .replace(/^file:\/\//i, '')
    .replace(/^[a-z]:(?=[\\/])/i, '')
    .split(/[\\/]+/)
    .filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? undefined : parts;
}

/** Whether a name is that of a place, whatever folder it is read from. */
export const isAbsoluteName = (name: string): boolean => /^([a-z]:)?[\\/]/i.test(name);

/** How many of the last parts of a path are those of a name. */
export function sharedParts(path: string, parts: readonly string[]): number {
  const ofPath = path.split('/');
  let shared = 0;
  while (shared < parts.length && ofPath.at(-1 - shared) === parts.at(-1 - shared)) shared += 1;
  return shared;
}
