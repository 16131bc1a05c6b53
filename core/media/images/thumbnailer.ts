import { createPermits } from '../../concurrency/permits.ts';
import type { OpenFile } from '../../sources/source.ts';
import type { Thumbnailer } from '../medium.ts';
import { createDecoders } from './decoder/decoders.ts';
import { HEAD_BYTES } from './header-messages.ts';
import { ImageError } from './image-error.ts';
import { weightOf } from './weight.ts';

/** The approximate memory of all pictures drawn at the same time. A picture that exceeds it is drawn alone. */
const MEMORY_BYTES = 512 * 1024 * 1024;
/** The size limit of a file that a decoder can't open itself and that is sent as a message. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/**
 * Draws in decoder processes. A picture that hangs or crashes one only costs that process, and never the caller's
 * threads. A picture that takes longer than `timeoutMs` is tried once more.
 */
export function openThumbnailer({ processes, timeoutMs }: { processes: number; timeoutMs: number }): Thumbnailer {
  const decoders = createDecoders({ most: processes });
  const memory = createPermits(MEMORY_BYTES);

  return {
    async draw(file, side) {
      const head = Buffer.allocUnsafe(HEAD_BYTES);
      const length = await file.read(head, 0);
      const giveBack = await memory.take(weightOf(head.subarray(0, length), file.size));
      try {
        // A decoder reopens the file, and verifies it by its identity.
        const image = file.local ?? { bytes: await readAll(file) };
        const order = { type: 'thumbnail', image, side } as const;
        return await decoders.ask(order, timeoutMs).catch((error: unknown) => {
          if (error instanceof ImageError && error.code === 'decode_timeout') return decoders.ask(order, timeoutMs);
          throw error;
        });
      } finally {
        giveBack();
      }
    },
    pids: () => decoders.pids(),
    close: () => decoders.close(),
  };
}

async function readAll(file: OpenFile): Promise<Uint8Array> {
  if (file.size > MAX_MESSAGE_BYTES) throw new ImageError('unsupported_format', 'the file is too large to be drawn');
  const bytes = new Uint8Array(file.size);
  await file.read(bytes, 0);
  return bytes;
}
