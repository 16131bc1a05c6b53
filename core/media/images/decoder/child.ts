/** A decoder process: it handles one picture at a time for the process that forked it. */
import sharp from 'sharp';
import { answerParent } from '../../../processes/child.ts';
import { drawThumbnail } from '../draw-thumbnail.ts';
import { ImageError } from '../image-error.ts';
import type { Order, Reply } from './messages.ts';
import { readDecodedMetadata } from './metadata.ts';

sharp.concurrency(1);
// Blocks every loader. Those for our formats are unblocked next, so a file that becomes something else is not opened.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif', 'SvgBuffer'].map((name) => `VipsForeignLoad${name}`),
});

answerParent(async (order: Order): Promise<Reply> => {
  try {
    return { result: await (order.type === 'metadata' ? readDecodedMetadata(order.images) : drawThumbnail(order)) };
  } catch (error) {
    if (error instanceof ImageError) return { refusal: { code: error.code, message: error.message } };
    throw error;
  }
});
