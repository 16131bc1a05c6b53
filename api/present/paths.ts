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
 * The same value without an absolute path in any of its texts. One of these folders is shown by its last name, with what follows it; a
 * text with any other ends where that begins: a path may hold spaces, commas and quotes, so nobody can tell where it is over.
 */
export function withoutPaths<T>(value: T, folders: readonly string[]): T {
  const absolute = folders.filter((folder) => isAbsolute(folder)).flatMap((folder) => [folder, resolve(folder)]);
  const known = [...new Set(absolute.map((folder) => folder.replace(/\/+$/, '')))]
    .filter((folder) => folder.length > 1)
    .sort((a, b) => b.length - a.length)
    .map(
      (folder) =>
        [new RegExp(`${NO_NAME_BEFORE}${literally(folder)}${NO_NAME_BEHIND}`, 'gu'), basename(folder)] as const,
    );
  const cut = (text: string) =>
    known
      .reduce((shorter, [folder, name]) => shorter.replaceAll(folder, () => name), text)
      .replace(FROM_A_PATH_ON, '…');
  return mapTexts(value, cut) as T;
}

const literally = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const NAME = String.raw`[\p{L}\p{M}\p{N}_]`;
const NO_NAME_BEFORE = `(?<!${NAME}|[./~-])`;
/** `/srv/photos` is no part of `/srv/photos2` or `/srv/photos.old`, but may end a sentence. */
const NO_NAME_BEHIND = String.raw`(?=$|[/\s'"\x60,;:()]|[.!?](?:\s|$))`;
/** Not the slash of a relative path, a site's URL, a fraction or a MIME type. */
const FROM_A_PATH_ON = new RegExp(String.raw`(?<!${NAME}|\/|\bhttps?:)\/.*`, 'su');

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, map)]));
}
