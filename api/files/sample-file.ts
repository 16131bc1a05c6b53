import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { systemErrorCode } from '../../core/errors.ts';
import type { SourceRoots } from '../../core/sources/folder/source-roots.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { problemOf } from '../problem/to-problem.ts';

/** Where a sample's file is: as text, or as bytes where its name is not valid UTF-8. */
export function pathOf({ filepath, filepath_bytes }: SampleDocument): string | Buffer {
  return filepath_bytes === undefined ? filepath : Buffer.from(filepath_bytes.buffer);
}

/**
 * The file's path with all links resolved. It must lie below a source root also then. What is opened by it must be asked again where it
 * lies (`openFile`): a folder may be swapped with a link in between.
 *
 * @throws ProblemError FileGone, FileOutsideRoots
 */
export async function realPathOf(sample: SampleDocument, roots: SourceRoots): Promise<Buffer> {
  try {
    const real = await realpath(pathOf(sample), { encoding: 'buffer' });
    if (roots === undefined || (await isBelow(real, roots))) return real;
  } catch (error) {
    throw gone(error);
  }
  throw outsideRoots();
}

const outsideRoots = () =>
  problemOf(
    'FileOutsideRoots',
    'The file is not below a source root of this server (PLIMSOLL_SOURCE_ROOTS), once links are resolved.',
  );

/** Compared as bytes: a name need not be text. */
async function isBelow(path: Buffer, roots: readonly string[]): Promise<boolean> {
  const bytes = path.toString('latin1');
  for (const root of roots) {
    const real = await realpath(root, { encoding: 'buffer' }).catch(() => undefined);
    if (real === undefined) continue;
    const folder = real.toString('latin1');
    if (bytes.startsWith(folder.endsWith('/') ? folder : `${folder}/`)) return true;
  }
  return false;
}

/** A regular file that is open. `fingerprint` is made as that of its sample. */
export interface OpenedFile {
  file: FileHandle;
  size: number;
  mtimeNs: bigint;
  fingerprint: string;
}

/**
 * Opens a resolved path, and a pipe does not hold us up. It is the open file that must lie below a root: a folder of its path may have
 * become a link since.
 *
 * @throws ProblemError FileGone, FileOutsideRoots
 */
export async function openFile(path: Buffer, roots: SourceRoots): Promise<OpenedFile> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat({ bigint: true });
    if (roots !== undefined && !(await isBelow(await whereIs(file, path), roots))) throw outsideRoots();
    if (!stat.isFile()) throw problemOf('FileGone', 'There is no regular file any more where the sample was.');
    return { file, size: Number(stat.size), mtimeNs: stat.mtimeNs, fingerprint: fingerprintOf(stat) };
  } catch (error) {
    await file?.close();
    throw gone(error);
  }
}

/** Where an open file lies. @throws ProblemError FileOutsideRoots where it can't be told */
async function whereIs(file: FileHandle, path: Buffer): Promise<Buffer> {
  // Linux knows it of the file itself, whatever has become of the path.
  if (process.platform === 'linux') return readlink(`/proc/self/fd/${file.fd}`, { encoding: 'buffer' });
  const real = await realpath(path, { encoding: 'buffer' });
  const [opened, there] = await Promise.all([file.stat({ bigint: true }), lstat(real, { bigint: true })]);
  if (opened.dev !== there.dev || opened.ino !== there.ino) throw outsideRoots();
  return real;
}

/** Of the file that a resolved path names now. @throws ProblemError FileGone */
export async function currentFingerprint(path: Buffer): Promise<string> {
  try {
    const stat = await lstat(path, { bigint: true });
    if (!stat.isFile()) throw problemOf('FileGone', 'There is no regular file any more where the sample was.');
    return fingerprintOf(stat);
  } catch (error) {
    throw gone(error);
  }
}

/** Its size and the time of its last change: what `source.fingerprint` holds. */
export const fingerprintOf = ({ size, mtimeNs }: { size: bigint; mtimeNs: bigint }) => `${size}-${mtimeNs}`;

function gone(error: unknown): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return problemOf('FileGone', 'The file is no longer there.');
    case 'EACCES':
    case 'EPERM':
      return problemOf('FileGone', 'This server may not read the file.');
    case 'ELOOP':
    case 'ENXIO':
    case 'EIO':
    case 'ESTALE':
    case 'ENAMETOOLONG':
      return problemOf('FileGone', 'The file can not be read.');
    default:
      return error;
  }
}
