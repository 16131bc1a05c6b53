import { pathInSources } from '../../core/folders.ts';
import { printable } from './printable.ts';

/**
 * A sample's path as a terminal shows it: without the folder that was loaded, its beginning cut to fit `width` columns.
 */
export function shortPath(filepath: string, sources: readonly string[], width: number): string {
  return endOf(printable(pathInSources(filepath, sources)), width);
}

/** The end of a text that is longer than `width`, with a mark for what was cut. */
function endOf(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `…${characters.slice(1 - width).join('')}`;
}
