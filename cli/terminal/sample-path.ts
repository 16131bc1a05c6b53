import { basename } from 'node:path';
import { printable } from './printable.ts';

/**
 * A sample's path as a terminal shows it: without the folder that was loaded, its beginning cut to fit `width` columns.
 */
export function shortPath(filepath: string, sources: readonly string[], width: number): string {
  return endOf(printable(pathWithin(filepath, sources)), width);
}

/** The path below the source that holds it. If there are several sources, the path begins with the source's name. */
function pathWithin(filepath: string, sources: readonly string[]): string {
  const folder = sources
    .map((source) => `${source.replace(/\/+$/, '')}/`)
    .filter((each) => filepath.startsWith(each))
    .sort((a, b) => b.length - a.length)[0];
  if (folder === undefined) return filepath;
  const path = filepath.slice(folder.length);
  return sources.length > 1 ? `${basename(folder)}/${path}` : path;
}

/** The end of a text that is longer than `width`, with a mark for what was cut. */
function endOf(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `…${characters.slice(1 - width).join('')}`;
}
