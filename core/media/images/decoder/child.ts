/**
 * A decoder: one picture at a time, for the process that forked it. In a process of its own because nothing interrupts libvips within
 * a library that it calls: only a process can be ended, with the threads and the memory that it took.
 */
import process from 'node:process';
import sharp from 'sharp';
import { offerToEnd } from '../../../concurrency/offer-to-end.ts';
import { drawThumbnail } from '../draw-thumbnail.ts';
import { ImageError } from '../image-error.ts';
import type { Order, Reply } from './messages.ts';
import { readDecodedMetadata } from './metadata.ts';

// Not exit: that would wait for the threads that decode.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A Ctrl-C meant for the parent reaches this process too, and the parent decides.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

sharp.concurrency(1);
// What is drawn as a file is of our formats; here nothing else is opened as one, whatever a file becomes meanwhile.
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
