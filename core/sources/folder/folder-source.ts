import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { systemErrorCode, UserError } from '../../errors.ts';
import { hasScheme } from '../../folders.ts';
import { type FileRef, type FileTimes, factsOf, fingerprintOf, rawPath, UNKNOWN_FACTS } from '../files.ts';
import { identityOf } from '../identity.ts';
import { FileUnavailableError, type OpenFile, type Source } from '../source.ts';
import { createRootCheck, requireBelowRoots, type SourceRoots } from './source-roots.ts';
import { walk } from './walk.ts';

/** The path does not exist, or a part of it is now a file. */
const GONE = new Set(['ENOENT', 'ENOTDIR']);

/** A source for folders on this machine's disks. With roots, files outside them are never read, even through links. */
export function folderSource({ roots }: { roots?: SourceRoots } = {}): Source {
  const isAllowed = roots === undefined ? undefined : createRootCheck(roots);
  return {
    owns: (name) => !hasScheme(name),
    canonical: (root) => resolve(root),
    async check(root) {
      if (!isAbsolute(root)) {
        throw new UserError(
          'SourceNotAbsolute',
          `source: "${root}" is not an absolute path. ` +
            "It is opened on the worker's machine, so it must be absolute there.",
        );
      }
      await requireBelowRoots(root, roots);
      return checkFolder(resolve(root));
    },
    async *list(root, selection, after) {
      try {
        yield* walk(root, { selection, allows: isAllowed }, after);
      } catch (error) {
        throw rootError(root, error);
      }
    },
    async stat(file) {
      try {
        const found = await stat(rawPath(file), { bigint: true });
        return found.isFile() ? factsOf(found) : undefined;
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === undefined) throw error;
        return GONE.has(code) ? undefined : UNKNOWN_FACTS;
      }
    },
    open: (file) => openFile(file, roots),
    async allows(file) {
      return isAllowed === undefined || isAllowed(Buffer.from(rawPath(file)));
    },
    // An inode would be more exact, but network file systems change inodes arbitrarily.
    async identity(root) {
      try {
        return String((await stat(root, { bigint: true })).dev);
      } catch (error) {
        throw rootError(root, error);
      }
    },
    localPath: rawPath,
  };
}

async function checkFolder(root: string): Promise<string> {
  try {
    if (!(await stat(root)).isDirectory()) {
      throw new UserError('SourceNotAFolder', `source: ${root} is a file. Name the folder that it is in.`);
    }
    const folder = await opendir(root);
    const first = await folder.read();
    await folder.close();
    if (first === null) {
      throw new UserError('SourceEmpty', `source: ${root} is empty. Nothing was changed. Is the disk mounted?`);
    }
    return root;
  } catch (error) {
    throw rootError(root, error);
  }
}

/** Converts a failure to read a root to a UserError. Returns any other error as it is. */
function rootError(root: string, error: unknown): unknown {
  const options = { cause: error };
  switch (systemErrorCode(error)) {
    case 'ENOENT':
      return new UserError(
        'SourceNotFound',
        `source: there is no folder ${root} on the worker's machine. Nothing was changed.`,
        options,
      );
    case 'ENOTDIR':
      return new UserError('SourceNotAFolder', `source: a part of ${root} is a file, not a folder.`, options);
    case 'EACCES':
    case 'EPERM':
      return new UserError(
        'SourceUnreadable',
        `source: the worker may not read ${root}. Give its user the right to, or run it as another.`,
        options,
      );
    case 'ELOOP':
      return new UserError('SourceUnreadable', `source: ${root} is a link that leads back to itself.`, options);
    case 'ENAMETOOLONG':
      return new UserError(
        'SourceNotFound',
        `source: the path is longer than the system allows: ${root.slice(0, 100)}…`,
        options,
      );
    default:
      return error;
  }
}

/**
 * Opens a file without waiting for a pipe. The open file must be below a root, because a folder in its path may have
 * become a link since the path was checked.
 */
async function openFile(file: FileRef, roots: SourceRoots): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    const path = await realpath(rawPath(file), { encoding: 'buffer' });
    if (roots !== undefined && !(await isBelow(path, roots))) throw outsideRoots();
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await handle.stat({ bigint: true });
    if (roots !== undefined && !(await isBelow(await whereIs(handle, path), roots))) throw outsideRoots();
    if (!found.isFile()) {
      throw new FileUnavailableError('not_a_file', 'The path of the sample is no longer a regular file.');
    }
    return openedFile(handle, path, found);
  } catch (error) {
    await handle?.close();
    throw unavailable(error);
  }
}

function openedFile(handle: FileHandle, path: Buffer, found: FileTimes & { dev: bigint; ino: bigint }): OpenFile {
  return {
    ...factsOf(found),
    local: { path, identity: identityOf(found) },
    read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
    // An end of -1, as an empty file would have it, is refused.
    stream: (range = { start: 0, end: Math.max(0, Number(found.size) - 1) }) =>
      Readable.toWeb(handle.createReadStream(range)) as ReadableStream<Uint8Array>,
    fingerprintNow: async () => fingerprintOf(await handle.stat({ bigint: true })),
    close: () => handle.close(),
  };
}

/** Compares bytes, because a name need not be valid text. */
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

/**
 * The path of an open file.
 *
 * @throws FileUnavailableError when the path can't be determined
 */
async function whereIs(handle: FileHandle, path: Buffer): Promise<Buffer> {
  // Linux gives the path of the open file itself, even if the path now leads elsewhere.
  if (process.platform === 'linux') return readlink(`/proc/self/fd/${handle.fd}`, { encoding: 'buffer' });
  const real = await realpath(path, { encoding: 'buffer' });
  const [opened, there] = await Promise.all([handle.stat({ bigint: true }), lstat(real, { bigint: true })]);
  if (identityOf(opened) !== identityOf(there)) throw outsideRoots();
  return real;
}

const outsideRoots = () =>
  new FileUnavailableError(
    'outside_roots',
    'The file is not below a source root of this server (PLIMSOLL_SOURCE_ROOTS), once links are resolved.',
  );

function unavailable(error: unknown): unknown {
  const options = { cause: error };
  switch (systemErrorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new FileUnavailableError('file_not_found', 'The file is no longer there.', options);
    case 'EACCES':
    case 'EPERM':
      return new FileUnavailableError('permission_denied', 'This server may not read the file.', options);
    case 'ELOOP':
    case 'ENXIO':
    case 'EIO':
    case 'ESTALE':
    case 'ENAMETOOLONG':
      return new FileUnavailableError('io_error', 'The file can not be read.', options);
    default:
      return error;
  }
}
