import sharp from 'sharp';
import { DEFAULT_DECODE_LIMITS } from '../decode-limits.ts';
import { ImageError } from '../image-error.ts';
import { loadableHeif, withImage } from '../open-image.ts';
import { countTiffChannels, readTiffLayout } from '../tiff.ts';
import type { DecodedMetadata, DecoderInput, MetadataResult } from './messages.ts';

/** Opens images and reads their metadata. */
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
    // The file became a drawing after its header was read. librsvg would build the whole document and follow its
    // references.
    if (image.format === 'svg') throw new ImageError('unsupported_format', 'a drawing is not opened for its size');
    if (image.format === 'tiff') {
      const layout = await readTiffLayout(image.read);
      if (layout === undefined) throw new ImageError('decode_failed', 'the file ends within its directory');
      const [width, height] = layout.orientation < 5 ? [layout.width, layout.height] : [layout.height, layout.width];
      return { width, height, num_channels: countTiffChannels(layout), orientation: layout.orientation };
    }
    const isHeif = image.format === 'avif' || image.format === 'heic';
    const input = isHeif ? await loadableHeif(image) : image.loadable();
    const header = await sharp(input, { limitInputPixels: false }).metadata();
    const { width, height } = header.autoOrient;
    return { width, height, num_channels: header.channels, orientation: header.orientation ?? 1 };
  });
}
