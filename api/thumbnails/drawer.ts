import type { FileHandle } from 'node:fs/promises';
import { createBudget } from '../../core/concurrency/budget.ts';
import { createDecoders } from '../../core/media/images/decoder/decoders.ts';
import { identityOf } from '../../core/media/images/identity.ts';
import { ImageError } from '../../core/media/images/image-error.ts';
import { weightOf } from '../../core/media/images/weight.ts';
import type { SourceRoots } from '../../core/sources/folder/source-roots.ts';
import { fingerprintOf, openFile } from '../files/sample-file.ts';

/** What pictures that are drawn at the same time take of memory, about; one that takes more is drawn alone. */
const MEMORY_BYTES = 512 * 1024 * 1024;
/** What an image's size and kind are known by. */
const HEAD_BYTES = 64 * 1024;

export interface DrawRequest {
  /** With all links resolved. */
  path: Buffer;
  /** Below which it must lie when it is opened. */
  roots: SourceRoots;
  /** Of the file as it was when it was asked for. */
  fingerprint: string;
  /** The longer side in pixels. */
  size: number;
}

export interface Drawn {
  picture: Uint8Array<ArrayBuffer>;
  /** Whether the file was the one of the fingerprint from the first byte to the last. */
  current: boolean;
}

/** Draws thumbnails in processes of their own: what hangs or crashes there is ended, and takes none of the threads that send files. */
export interface Drawer {
  /** @throws ImageError; ProblemError FileGone */
  draw(request: DrawRequest): Promise<Drawn>;
  /** Process IDs of the decoders that are alive. */
  pids(): number[];
  close(): void;
}

/** `turnMs`: after so long a picture is given up. */
export function createDrawer({ atOnce, turnMs }: { atOnce: number; turnMs: number }): Drawer {
  const decoders = createDecoders({ most: atOnce });
  const memory = createBudget(MEMORY_BYTES);

  async function drawOpen(file: FileHandle, { path, size }: DrawRequest): Promise<Uint8Array<ArrayBuffer>> {
    const stat = await file.stat({ bigint: true });
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const giveBack = await memory.take(weightOf(buffer.subarray(0, bytesRead), Number(stat.size)));
    try {
      // The decoder opens it anew, and makes sure by its identity that it is what is open here.
      return await decoders.ask({ type: 'thumbnail', path, identity: identityOf(stat), side: size }, turnMs);
    } finally {
      giveBack();
    }
  }

  return {
    async draw(request) {
      const { file, fingerprint: before } = await within(turnMs, openFile(request.path, request.roots));
      try {
        const picture = await drawOpen(file, request).catch((error: unknown) => error as Error);
        const after = fingerprintOf(await file.stat({ bigint: true }));
        const current = before === request.fingerprint && after === request.fingerprint;
        if (!(picture instanceof Error)) return { picture, current };
        // What is wrong with it now is not what is wrong with the file of the fingerprint.
        throw current ? picture : new ImageError('file_not_found', 'the file has changed; ask for it again');
      } finally {
        await file.close();
      }
    },
    pids: () => decoders.pids(),
    close: () => decoders.close(),
  };
}

/** A disk that hangs is waited for no longer; the file is closed if it opens after all. */
async function within(timeoutMs: number, opening: ReturnType<typeof openFile>): ReturnType<typeof openFile> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new ImageError('decode_timeout', 'the file took too long to open'));
    opening.then(({ file }) => file.close()).catch(() => undefined);
  }, timeoutMs);
  try {
    return await Promise.race([opening, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
