import { createPermits } from '../../concurrency/permits.ts';
import type { OpenFile } from '../../sources/source.ts';
import type { Thumbnailer } from '../medium.ts';
import { createDecoders } from './decoder/decoders.ts';
import { HEAD_BYTES } from './header.ts';
import { ImageError } from './image-error.ts';
import { weightOf } from './weight.ts';

/** Memory of pictures that are drawn at the same time, about. A picture that takes more is drawn alone. */
const MEMORY_BYTES = 512 * 1024 * 1024;
/** A file that a decoder can't open itself goes to it as a message. */
const MOST_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Draws in decoder processes: what hangs or crashes there is killed, and takes no thread of the caller's. */
export function openThumbnailer({ processes, timeoutMs }: { processes: number; timeoutMs: number }): Thumbnailer {
  const decoders = createDecoders({ most: processes });
  const memory = createPermits(MEMORY_BYTES);

  return {
    async draw(file, side) {
      const head = Buffer.allocUnsafe(HEAD_BYTES);
      const length = await file.read(head, 0);
      const giveBack = await memory.take(weightOf(head.subarray(0, length), file.size));
      try {
        // A decoder opens a file anew, and knows by its identity that it is what is open here.
        const image = file.local ?? { bytes: await readAll(file) };
        return await decoders.ask({ type: 'thumbnail', image, side }, timeoutMs);
      } finally {
        giveBack();
      }
    },
    pids: () => decoders.pids(),
    close: () => decoders.close(),
  };
}

async function readAll(file: OpenFile): Promise<Uint8Array> {
  if (file.size > MOST_MESSAGE_BYTES) throw new ImageError('unsupported_format', 'the file is too large to be drawn');
  const bytes = new Uint8Array(file.size);
  await file.read(bytes, 0);
  return bytes;
}
