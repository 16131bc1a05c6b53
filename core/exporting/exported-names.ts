import { hash } from 'node:crypto';
import type { ExportSample, NamedSample } from './export-request.ts';
import { createNameSet } from './name-set.ts';

/**
 * Gives samples the names of their files in an export: their paths below their sources. If a name is taken, the source's
 * name comes before it, with a hash of its path; and if that is taken, the sample's number behind it. The same samples in
 * the same order get the same names.
 *
 * @param pathsOf the paths that a sample takes, which no other sample may have as those of a file or a folder
 */
export function createExportedNames(
  pathsOf: (sample: NamedSample) => readonly string[],
): (sample: ExportSample) => NamedSample {
  const files = createNameSet();
  const folders = createNameSet();

  const isFree = (path: string): boolean =>
    !files.has(path) && !folders.has(path) && !foldersOf(path).some((folder) => files.has(folder));

  function take(sample: ExportSample, exported: string): NamedSample | undefined {
    const named = { ...sample, exported };
    const paths = pathsOf(named);
    if (!paths.every(isFree)) return undefined;
    for (const path of paths) {
      files.add(path);
      for (const folder of foldersOf(path)) folders.add(folder);
    }
    return named;
  }

  return (sample) => {
    const name = safePath(sample.name);
    const prefixed = `${prefixOf(sample)}/${name}`;
    const { stem, extension } = splitName(prefixed);
    let found = take(sample, name) ?? take(sample, prefixed);
    for (let mark = `~${sample.seq}`; found === undefined; mark = `~${mark}`)
      found = take(sample, `${stem}${mark}${extension}`);
    return found;
  };
}

/** A path that stays below the folder that it is joined to. */
export const safePath = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .map((part) => (part === '..' ? '__' : part.replaceAll('\0', '_')))
    .join('/') || '_';

/** The path without its extension, and the extension with its dot. A leading dot begins no extension. */
export function splitName(path: string): { stem: string; extension: string } {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1
    ? { stem: path.slice(0, dot), extension: path.slice(dot) }
    : { stem: path, extension: '' };
}

function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
    folders.push(path.slice(0, slash));
  return folders;
}

function prefixOf({ file, name }: ExportSample): string {
  const root = file.path.endsWith(`/${name}`) ? file.path.slice(0, -name.length - 1) : file.path;
  // It becomes a part of names that can be written otherwise.
  const last = safePath(root.slice(root.lastIndexOf('/') + 1)).replaceAll(/[\s\p{C}]/gu, '_');
  return `${last}-${hash('sha1', root).slice(0, 6)}`;
}
