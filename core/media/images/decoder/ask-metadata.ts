import { ImageError } from '../image-error.ts';
import type { Decoders } from './decoders.ts';
import type { DecoderInput, MetadataResult } from './messages.ts';

/**
 * Asks a decoder for metadata that the first bytes do not contain: longer headers, EXIF outside JPEG, and some formats.
 * If a group of images fails the decoder, each image is tried once more, alone. Each try has `timeoutMs`; `onTry` is
 * called between them.
 */
export async function askMetadata(
  decoders: Decoders,
  images: DecoderInput[],
  timeoutMs: number,
  onTry: () => void,
): Promise<MetadataResult[]> {
  if (images.length === 0) return [];
  const together = await ask(decoders, images, timeoutMs);
  if (!(together instanceof ImageError)) return together;
  const results: MetadataResult[] = [];
  for (const image of images) {
    onTry();
    const alone = await ask(decoders, [image], timeoutMs);
    results.push(...(alone instanceof ImageError ? [{ failure: alone }] : alone));
  }
  return results;
}

/** Returns the error if the images are at fault. */
async function ask(
  decoders: Decoders,
  images: DecoderInput[],
  timeoutMs: number,
): Promise<MetadataResult[] | ImageError> {
  try {
    return await decoders.ask({ type: 'metadata', images }, timeoutMs);
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}
