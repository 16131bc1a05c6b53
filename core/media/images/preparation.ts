/** Turns images into tensors. The encoder process loads this module for the medium. */
import sharp from 'sharp';
import { ModelInvalidError } from '../../models/errors.ts';
import type { BoundPreparation, ItemInput, OpenPreparation } from '../preparation.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { createDecoding } from './decoding.ts';
import { bindImageInput } from './image-input.ts';
import { allocateBatch, createPixelWriter, type TensorElements } from './image-tensor.ts';
import type { ImageFile } from './open-image.ts';
import { readPreprocessing } from './preprocessing.ts';

/**
 * Opens the preparation of images for a model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export const openPreparation: OpenPreparation = async ({ graphFile, files, inputs, threads, options }) => {
  // Images are decoded in parallel, each in one thread. The cache is off, so a replaced file is read again.
  sharp.concurrency(1);
  sharp.cache(false);
  // Drawings are never opened as files, because librsvg would follow their links. A file may become a drawing while it
  // is read.
  sharp.block({ operation: ['VipsForeignLoadSvgFile'] });

  const [preprocessorFile = ''] = files;
  const preprocessing = await readPreprocessing(preprocessorFile);
  const { geometry, normalization } = preprocessing;
  const { crop } = geometry;
  const input = bindImageInput(graphFile, inputs, crop);
  if (input.type === 'uint8' && normalization !== undefined)
    throw new ModelInvalidError(
      `${preprocessorFile}: the graph takes raw pixels (uint8), so do_rescale and do_normalize must be false.`,
    );

  const decoding = createDecoding(geometry, options as DecodeLimits, threads);
  const writePixels = createPixelWriter(input, preprocessing);
  const imageElements = crop.width * crop.height * 3;
  // One buffer serves all batches, since they run one after the other.
  let batch: TensorElements = allocateBatch(input.type, imageElements);

  const preparation: BoundPreparation<Uint8Array> = {
    fixedBatch: input.fixedBatch,
    pooling: 'cls',
    blank: new Uint8Array(imageElements).fill(128),
    prepare: (item, onLate) => decoding.decode(imageOf(item), onLate),
    feeds(images, rows) {
      if (batch.length < rows * imageElements) batch = allocateBatch(input.type, rows * imageElements);
      // Each row belongs to one image. Pixels of another length would leave those of an earlier batch in it.
      for (const [row, pixels] of images.entries()) {
        if (pixels.length !== imageElements)
          throw new Error(`image ${row} of the batch has ${pixels.length} values; ${imageElements} are needed`);
        writePixels(pixels, batch, row);
      }
      const dims = input.layout === 'NCHW' ? [rows, 3, crop.height, crop.width] : [rows, crop.height, crop.width, 3];
      return { [input.name]: { type: input.type, elements: batch.subarray(0, rows * imageElements), dims } };
    },
  };
  return preparation as BoundPreparation;
};

function imageOf(item: ItemInput): ImageFile {
  if ('value' in item) throw new TypeError('Images are encoded from their files.');
  return item;
}
