import { isUtf8 } from 'node:buffer';
import { movedPath } from '../folders.ts';
import type { FileRef } from '../sources/files.ts';

const SLASH = 0x2f;

/**
 * The file of the same name below another folder. Names are escaped one by one (core/sources/file-names.ts), so the
 * text after `from` stays as it is. The bytes are cut after as many names as `from` has, because an escaped name in
 * `from` is longer than its bytes.
 */
export function movedFile({ path, bytes }: FileRef, move: { from: string; to: string }): FileRef {
  const moved = movedPath(path, move);
  const rest = bytes?.subarray(lengthOf(bytes, namesIn(move.from)));
  if (rest === undefined || isUtf8(rest)) return { path: moved };
  return { path: moved, bytes: Buffer.concat([Buffer.from(withoutSlash(move.to)), rest]) };
}

const withoutSlash = (folder: string) => (folder === '/' ? '' : folder);
const namesIn = (folder: string) => withoutSlash(folder).split('/').length - 1;

/** The length of a path's first names, up to the slash behind them. */
function lengthOf(path: Buffer, names: number): number {
  let at = path.indexOf(SLASH);
  for (let n = 0; n < names; n += 1) at = path.indexOf(SLASH, at + 1);
  return at;
}
