/** Stands in for decoding where only the transport is measured: each item is grey pixels, whatever its file holds. */
import { openPreparation as openImages } from '../core/media/images/preparation.ts';
import type { FilePreparation, OpenDecoder, OpenPreparation } from '../core/media/preparation.ts';

export const openPreparation: OpenPreparation<FilePreparation> = async (request) => {
  const images = await openImages(request);
  const { itemBytes } = images.decoding;
  return { ...images, decoding: { module: import.meta.url, options: { itemBytes }, itemBytes } };
};

export const openDecoder: OpenDecoder = async ({ options }) => {
  const pixels = new Uint8Array((options as { itemBytes: number }).itemBytes).fill(128);
  return { decode: async () => pixels };
};
