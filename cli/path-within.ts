import { basename } from 'node:path';

/** A file's path from the folder on that was loaded; where there are several, with that folder's name. */
export function pathWithin(filepath: string, sources: readonly string[]): string {
  const folder = sources
    .map((source) => `${source.replace(/\/+$/, '')}/`)
    .filter((each) => filepath.startsWith(each))
    .sort((a, b) => b.length - a.length)[0];
  if (folder === undefined) return filepath;
  const path = filepath.slice(folder.length);
  return sources.length > 1 ? `${basename(folder)}/${path}` : path;
}
