import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { UserError } from '../../core/errors.ts';
import type { HubConnection } from './hub-connection.ts';
import type { HubFile } from './hub-files.ts';
import { HubFault, type Retries, retrying } from './retrying.ts';

export interface Download {
  hub: HubConnection;
  /** Address of the file's content. */
  url: string;
  file: HubFile;
  /** The path to write to. A part that an earlier download left there is completed. */
  target: string;
  /** Receives how many bytes of the file are there, and how many of them were downloaded by this call. */
  onBytes(bytes: number, downloaded: number): void;
}

/**
 * Downloads a file and checks its size and hash. What has come stays if the download breaks off, and the next attempt
 * goes on from there.
 *
 * @throws HubFault, UserError HubAnswerInvalid
 */
export async function downloadFile({ hub, url, file, target, onBytes }: Download, retries: Retries): Promise<void> {
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
    // Without If-Range: the address names a commit, so its content never changes, and the hash is checked.
    const ask = { ...(bytes > 0 ? { range: `bytes=${bytes}-` } : {}), signal: retries.signal };
    const { status, header, chunks, discard } = await hub.get(url, ask);
    const continues = status === 206 && header('content-range')?.startsWith(`bytes ${bytes}-`) === true;
    // A server without ranges sends the file from its start.
    if (bytes > 0 && !continues) await restart();
    if (!continues && status !== 200) {
      discard();
      throw new HubFault(`${url} answers ${status}`);
    }
    for await (const chunk of chunks()) {
      if (bytes + chunk.length > file.size) throw await wrong(`is larger than the ${file.size} bytes`);
      await writeAt(handle, chunk, bytes);
      downloaded += chunk.length;
      take(chunk);
      progressed();
    }
    if (bytes < file.size) throw new HubFault(`${url} broke off`);
  }

  const receiveAll = () =>
    retrying(async (progressed) => {
      if (bytes < file.size) await receive(progressed);
    }, retries);

  async function wrong(what: string): Promise<UserError> {
    await restart();
    return new UserError(
      'HubAnswerInvalid',
      `${url} ${what} that the hub states for it. Nothing of it was kept. Try again, or tell whoever runs the hub.`,
    );
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

/** Git hashes a header before the content. */
const newHash = ({ size, hash }: HubFile): Hash =>
  'sha256' in hash ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);

const isRight = (actual: Hash, { hash }: HubFile): boolean =>
  actual.copy().digest('hex') === ('sha256' in hash ? hash.sha256 : hash.git_sha1);

async function writeAt(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await handle.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
}
