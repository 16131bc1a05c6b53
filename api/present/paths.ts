import { basename, isAbsolute, resolve } from 'node:path';
import type { Scope } from '../schemas/server.ts';

/** Where a dataset's files come from: absolute folders. */
type Sources = readonly string[];

const slashed = (folder: string) => (folder.endsWith('/') ? folder : `${folder}/`);
const labelOf = (source: string) => (basename(source) === '' ? '' : `${basename(source)}/`);

/** A file's path as anybody may see it: from the last name of its source's folder on. */
export function shownPath(filepath: string, sources: Sources): string {
  const source = sourceOf(filepath, sources);
  return source === undefined ? basename(filepath) : `${labelOf(source)}${filepath.slice(slashed(source).length)}`;
}

/** The deepest source that a file is in. */
function sourceOf(filepath: string, sources: Sources): string | undefined {
  return sources
    .filter((source) => filepath.startsWith(slashed(source)))
    .sort((a, b) => b.length - a.length)
    .at(0);
}

/** The beginnings of absolute paths that the beginning of a shown path means, one for each source that it fits. */
export function prefixesOf(shown: string, sources: Sources): string[] {
  return sources.flatMap((source) => {
    const label = labelOf(source);
    if (shown.startsWith(label)) return [`${slashed(source)}${shown.slice(label.length)}`];
    return label.startsWith(shown) ? [slashed(source)] : [];
  });
}

/** Folders of which the text stands in the shown path behind them, or in the folder's own name. */
export function foldersToSearch(sources: Sources): string[] {
  return sources.map((source) => slashed(source).slice(0, slashed(source).length - labelOf(source).length));
}

/** A source as the caller may see it. */
export const shownSource = (source: string, scope: Scope) => (scope === 'operate' ? source : basename(source) || '/');

/** A model's name as the caller may see it: it may be a folder's path. */
export const shownModel = (model: string, scope: Scope) =>
  scope === 'operate' || !isAbsolute(model) ? model : basename(model);

/**
 * The same value with every path cut down to its last name, wherever it stands in a text. What is below one of the folders keeps its
 * path from the folder's own name on; of other absolute paths, which a message may hold whoever named them, only the last name stays.
 */
export function withoutPaths<T>(value: T, folders: readonly string[]): T {
  const absolute = folders.filter((folder) => isAbsolute(folder)).flatMap((folder) => [folder, resolve(folder)]);
  const longestFirst = [...new Set(absolute.map((folder) => folder.replace(/\/+$/, '')))]
    .filter((folder) => folder.length > 1)
    .sort((a, b) => b.length - a.length);
  const cut = (text: string) =>
    longestFirst
      .reduce((shorter, folder) => shorter.replaceAll(folder, basename(folder)), text)
      .replace(FILE_URL, lastName)
      .replace(QUOTED_PATH, (_, quote: string, path: string) => `${quote}${lastName(path)}${quote}`)
      .replace(BARE_PATH, lastName);
  return mapTexts(value, cut) as T;
}

const FILE_URL = /\bfile:\/\/[^\s'"`]+/g;
const QUOTED_PATH = /(['"`])(\/(?:(?!\1).)+)\1/g;
/** Not the slash of a URL, a fraction or a MIME type. */
const BARE_PATH = /(?<![\w.:/~-])\/[^\s'"`,;()]+/g;

const lastName = (path: string) => basename(path);

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, map)]));
}
