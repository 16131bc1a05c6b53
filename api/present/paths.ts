import { basename, isAbsolute, resolve } from 'node:path';
import { deepestAbove } from '../../core/folders.ts';
import type { Scope } from '../schemas/server.ts';

/** Absolute folders that a dataset's files come from. */
type Sources = readonly string[];

const slashed = (folder: string) => (folder.endsWith('/') ? folder : `${folder}/`);
const labelOf = (source: string) => (basename(source) === '' ? '' : `${basename(source)}/`);

/** A file's path for callers of any scope: from the last name of its source's folder on. */
export function shownPath(filepath: string, sources: Sources): string {
  const source = deepestAbove(filepath, sources);
  return source === undefined ? basename(filepath) : `${labelOf(source)}${filepath.slice(slashed(source).length)}`;
}

/** The absolute path prefixes that a prefix of a shown path can mean, one per matching source. */
export function prefixesOf(shown: string, sources: Sources): string[] {
  return sources.flatMap((source) => {
    const label = labelOf(source);
    if (shown.startsWith(label)) return [`${slashed(source)}${shown.slice(label.length)}`];
    return label.startsWith(shown) ? [slashed(source)] : [];
  });
}

/** The folders above the visible part of each source. Callers search only the text after them. */
export function foldersToSearch(sources: Sources): string[] {
  return sources.map((source) => slashed(source).slice(0, slashed(source).length - labelOf(source).length));
}

/** Presents a source; callers of read scope see its last name. */
export const shownSource = (source: string, scope: Scope) => (scope === 'operate' ? source : basename(source) || '/');

/** Presents a model's name, which may be a folder's path; callers of read scope see its last name. */
export const shownModel = (model: string, scope: Scope) =>
  scope === 'operate' || !isAbsolute(model) ? model : basename(model);

/**
 * Removes absolute paths from all texts in a value. A known folder is replaced by its last name. A text with any other
 * absolute path is cut where the path begins: paths may hold spaces, commas and quotes, so its end can't be found.
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
/** `/srv/photos` must not match in `/srv/photos2` or `/srv/photos.old`, but may end a sentence. */
const NO_NAME_BEHIND = String.raw`(?=$|[/\s'"\x60,;:()]|[.!?](?:\s|$))`;
/** Matches from an absolute path on, but not the slash of a relative path, a URL, a fraction or a MIME type. */
const FROM_A_PATH_ON = new RegExp(String.raw`(?<!${NAME}|\/|\bhttps?:)\/.*`, 'su');

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, map)]));
}
