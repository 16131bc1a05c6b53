/** A decoder process: it handles one picture at a time for the process that forked it. */
import { answerParent } from '../../../processes/child.ts';
import { drawThumbnail } from '../draw-thumbnail.ts';
import { ImageError } from '../image-error.ts';
import { restrictLoaders } from '../restrict-loaders.ts';
import type { Order, Reply } from './messages.ts';
import { readDecodedMetadata } from './metadata.ts';

restrictLoaders();

answerParent(async (order: Order): Promise<Reply> => {
  try {
    return { result: await (order.type === 'metadata' ? readDecodedMetadata(order.images) : drawThumbnail(order)) };
  } catch (error) {
    if (error instanceof ImageError) return { refusal: { code: error.code, message: error.message } };
    throw error;
  }
});
