/**
 * Frames carry decoded items from the decoder processes to the encoder process: places of one length in a file without a
 * name, which all of them inherit. A frame costs one copy in and one out, half of what a pipe costs, and outlives the
 * processes that fill and read it. The worker says whose a frame is.
 */
import { closeSync, openSync, readSync, statfsSync, unlinkSync, write, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

type WriteAt = (
  fd: number,
  bytes: Buffer,
  from: number,
  length: number,
  at: number,
) => Promise<{ bytesWritten: number }>;

/** A file system in memory, on Linux. Containers often have 64 MB there. */
const MEMORY = '/dev/shm';
const MEMORY_FREE_BYTES = 1024 ** 3;

const PIECE = Buffer.alloc(1024 * 1024);

let lastFile = 0;

/** The worker's side of the frames. */
export interface Frames {
  readonly fd: number;
  /**
   * Makes `count` frames of `bytes` each, or as many as there is room for. The room is taken at once, so that no process
   * runs out of it later.
   *
   * @throws Error when there is no room for one
   */
  reserve(count: number, bytes: number): Promise<void>;
  /** A free frame. Undefined if there is none. */
  take(): number | undefined;
  hasFree(): boolean;
  giveBack(frame: number): void;
  close(): Promise<void>;
}

/** Opens a file for frames. `writeAt` writes to it. */
export function openFrames(writeAt: WriteAt = promisify(write)): Frames {
  lastFile += 1;
  const file = join(folderForFrames(), `plimsoll-frames-${process.pid}-${lastFile}`);
  const fd = openSync(file, 'wx+', 0o600);
  unlinkSync(file);
  const free: number[] = [];
  let isClosed = false;
  let reserving: Promise<void> = Promise.resolve();

  /** Returns the bytes that there is room for. */
  async function fill(bytes: number, least: number): Promise<number> {
    let at = 0;
    try {
      while (at < bytes && !isClosed)
        at += (await writeAt(fd, PIECE, 0, Math.min(PIECE.length, bytes - at), at)).bytesWritten;
    } catch (error) {
      if (at < least) throw error;
    }
    return at;
  }

  return {
    fd,
    async reserve(count, bytes) {
      const filled = fill(count * bytes, bytes);
      reserving = filled.then(
        () => undefined,
        () => undefined,
      );
      const frames = Math.floor((await filled) / bytes);
      for (let frame = frames - 1; frame >= 0; frame--) free.push(frame);
    },
    take: () => free.pop(),
    hasFree: () => free.length > 0,
    giveBack: (frame) => void free.push(frame),
    async close() {
      isClosed = true;
      // The descriptor may belong to another file once it is closed.
      await reserving;
      closeSync(fd);
    },
  };
}

function folderForFrames(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize >= MEMORY_FREE_BYTES) return MEMORY;
  } catch {
    // Not Linux.
  }
  return tmpdir();
}

/** Fills a frame with an item, which has the frames' length. */
export function writeFrame(fd: number, frame: number, item: Uint8Array): void {
  for (let done = 0; done < item.length; )
    done += writeSync(fd, item, done, item.length - done, frame * item.length + done);
}

/** Reads a frame into `item`, which has the frames' length. */
export function readFrame(fd: number, frame: number, item: Uint8Array): void {
  for (let done = 0; done < item.length; ) {
    const read = readSync(fd, item, done, item.length - done, frame * item.length + done);
    if (read === 0) throw new Error(`frame ${frame} is not there`);
    done += read;
  }
}
