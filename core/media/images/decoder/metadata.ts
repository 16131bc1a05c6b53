import sharp from 'sharp';
import { DEFAULT_DECODE_LIMITS } from '../decode-limits.ts';
import { ImageError } from '../image-error.ts';
import { withImage } from '../open-image.ts';
import type { DecodedMetadata, DecoderInput, MetadataResult } from './messages.ts';

/** Opens images as far as their metadata. */
export function readDecodedMetadata(images: readonly DecoderInput[]): Promise<MetadataResult[]> {
  return Promise.all(
    images.map((image) =>
      readOne(image).then(
        (metadata) => ({ metadata }),
        (error: unknown) => {
          if (!(error instanceof ImageError)) throw error;
          return { failure: { code: error.code, message: error.message } };
        },
      ),
    ),
  );
}

function readOne(input: DecoderInput): Promise<DecodedMetadata> {
  return withImage(input, DEFAULT_DECODE_LIMITS, async (image) => {
    // A drawing took the place of what was read before: librsvg would build the whole of it, and follow what it includes.
    if (image.format === 'svg') throw new ImageError('unsupported_format', 'a drawing is not opened for its size');
    const header = await sharp(image.loadable(), { limitInputPixels: false }).metadata();
    const { width, height } = header.autoOrient;
    return { width, height, num_channels: header.channels, orientation: header.orientation ?? 1 };
  });
}
