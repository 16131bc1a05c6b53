/** Turns decoded images into tensors. The encoder process loads this module for the medium. */
import { extname } from 'node:path';
import { ModelInvalidError } from '../../models/errors.ts';
import type { FilePreparation, OpenPreparation } from '../preparation.ts';
import { byteInputFor } from './byte-pixels.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { DecodingOptions } from './file-decoder.ts';
import { bindImageInput } from './image-input.ts';
import { allocateBatch, createPixelWriter, type TensorElements } from './image-tensor.ts';
import { readPreprocessing } from './preprocessing.ts';

/**
 * Opens the preparation of images for a model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export const openPreparation: OpenPreparation<FilePreparation> = async ({ graphFile, files, inputs, options }) => {
  const [preprocessorFile = ''] = files;
  const preprocessing = await readPreprocessing(preprocessorFile);
  const { geometry, normalization } = preprocessing;
  const { crop } = geometry;
  const input = bindImageInput(graphFile, inputs, crop);
  if (input.type === 'uint8' && normalization !== undefined)
    throw new ModelInvalidError(
      `${preprocessorFile}: the graph takes raw pixels (uint8), so do_rescale and do_normalize must be false.`,
    );

  const writePixels = createPixelWriter(input, preprocessing);
  const imageElements = crop.width * crop.height * 3;
  // One buffer serves all batches, since they run one after the other.
  let batch: TensorElements = allocateBatch(input.type, imageElements);

  return {
    fixedBatch: input.fixedBatch,
    pooling: 'cls',
    blank: new Uint8Array(imageElements).fill(128),
    decoding: {
      module: new URL(`./file-decoder${extname(import.meta.url)}`, import.meta.url).href,
      options: { geometry, limits: options as DecodeLimits } satisfies DecodingOptions,
      itemBytes: imageElements,
    },
    ...(input.type === 'uint8' ? {} : { byteInput: byteInputFor({ ...input, type: input.type }, preprocessing) }),
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
};
