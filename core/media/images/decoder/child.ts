/**
 * A decoder process: it handles one picture at a time for the process that forked it. Nothing can interrupt libvips
 * inside a library that it calls, so only ending the process frees the threads and memory.
 */
import process from 'node:process';
import sharp from 'sharp';
import { offerToEnd } from '../../../concurrency/offer-to-end.ts';
import { drawThumbnail } from '../draw-thumbnail.ts';
import { ImageError } from '../image-error.ts';
import type { Order, Reply } from './messages.ts';
import { readDecodedMetadata } from './metadata.ts';

// SIGKILL, because `exit` would wait for the decoding threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A Ctrl-C for the parent also reaches this process. The parent decides what to do.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

sharp.concurrency(1);
// Blocks every loader. Those for our formats are unblocked next, so a file that becomes something else is not opened.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif', 'SvgBuffer'].map((name) => `VipsForeignLoad${name}`),
});

offerToEnd();

process.on('message', (order: Order) => {
  void answer(order).then((reply) => process.send?.(reply));
});
process.send?.('ready');

async function answer(order: Order): Promise<Reply> {
  try {
    return { result: await (order.type === 'metadata' ? readDecodedMetadata(order.images) : drawThumbnail(order)) };
  } catch (error) {
    if (error instanceof ImageError) return { refusal: { code: error.code, message: error.message } };
    return { fault: (error as Error).message };
  }
}
