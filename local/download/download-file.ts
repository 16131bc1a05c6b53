import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Connection } from './connection.ts';
import { DownloadFault, type Retries, retrying } from './retrying.ts';

/** A file as its server states it. */
export interface StatedFile {
  /** Bytes. */
  size: number;
  hash: FileHash;
}

/** In hexadecimal digits. Git's is that of the file's object. */
export type FileHash = { sha256: string } | { sha512: string } | { git_sha1: string };

export interface Download {
  connection: Connection;
  /** Address of the file's content. */
  url: string;
  file: StatedFile;
  /** The path to write to. A part that an earlier download left there is completed. */
  target: string;
  /** Receives how many bytes of the file are there, and how many of them were downloaded by this call. */
  onBytes(bytes: number, downloaded: number): void;
  /** Makes the error for a file that is not the stated one. `what` says how it differs. */
  mismatch(what: string): Error;
}

/**
 * Downloads a file and checks its size and hash. What has come stays if the download breaks off, and the next attempt
 * goes on from there.
 *
 * @throws DownloadFault, or the error of `mismatch`
 */
export async function downloadFile(
  { connection, url, file, target, onBytes, mismatch }: Download,
  retries: Retries,
): Promise<void> {
  const handle = await open(target, constants.O_RDWR | constants.O_CREAT);
  let hash = newHash(file);
  let bytes = 0;
  let downloaded = 0;

  /** Takes up what an earlier download left. */
  async function resume(): Promise<void> {
    const { size } = await handle.stat();
    if (size === 0) return;
    const left = handle.createReadStream({ start: 0, end: size - 1, autoClose: false });
    for await (const chunk of left) take(chunk as Buffer);
  }

  async function restart(): Promise<void> {
    await handle.truncate(0);
    hash = newHash(file);
    bytes = 0;
  }

  function take(chunk: Buffer): void {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(bytes, downloaded);
  }

  async function receive(progressed: () => void): Promise<void> {
    // Without If-Range: an address's content never changes, and the hash is checked.
    const headers: Record<string, string> = bytes > 0 ? { range: `bytes=${bytes}-` } : {};
    const { status, header, chunks, discard } = await connection.get(url, { headers, signal: retries.signal });
    const continues = status === 206 && header('content-range')?.startsWith(`bytes ${bytes}-`) === true;
    // A server without ranges sends the file from its start.
    if (bytes > 0 && !continues) await restart();
    if (!continues && status !== 200) {
      discard();
      throw new DownloadFault(`${url} answers ${status}`);
    }
    for await (const chunk of chunks()) {
      if (bytes + chunk.length > file.size) throw await wrong(`is larger than the ${file.size} bytes`);
      await writeAt(handle, chunk, bytes);
      downloaded += chunk.length;
      take(chunk);
      progressed();
    }
    if (bytes < file.size) throw new DownloadFault(`${url} broke off`);
  }

  const receiveAll = () =>
    retrying(async (progressed) => {
      if (bytes < file.size) await receive(progressed);
    }, retries);

  async function wrong(what: string): Promise<Error> {
    await restart();
    return mismatch(what);
  }

  try {
    await resume();
    const wasResumed = bytes > 0;
    await receiveAll();
    if (wasResumed && !isRight(hash, file)) {
      // A crash may have left anything.
      await restart();
      await receiveAll();
    }
    if (!isRight(hash, file)) throw await wrong('does not have the hash');
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function newHash({ size, hash }: StatedFile): Hash {
  if ('sha256' in hash) return createHash('sha256');
  if ('sha512' in hash) return createHash('sha512');
  // Git hashes a header before the content.
  return createHash('sha1').update(`blob ${size}\0`);
}

const isRight = (actual: Hash, { hash }: StatedFile): boolean => actual.copy().digest('hex') === digestOf(hash);

/** The hexadecimal digits of a hash, of whatever kind it is. */
export const digestOf = (hash: FileHash): string =>
  'sha256' in hash ? hash.sha256 : 'sha512' in hash ? hash.sha512 : hash.git_sha1;

async function writeAt(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await handle.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
}
