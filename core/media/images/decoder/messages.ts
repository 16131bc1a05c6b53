import type { ImageFailure } from '../image-error.ts';

/** A request to a decoder. Requests are structured clones: a path that is not valid UTF-8 is sent as bytes. */
export type Order = MetadataOrder | ThumbnailOrder;

/**
 * Asks for metadata that only a decoder can read. A request covers several images, because opening one takes less time
 * than a message.
 */
export interface MetadataOrder {
  type: 'metadata';
  images: DecoderInput[];
}

/** An image: its path, or its bytes if this machine's processes can't open it. */
export type DecoderInput = { path: string | Uint8Array } | { bytes: Uint8Array };

/** Asks for a thumbnail. With an identity, the decoder refuses another file that took the name. */
export interface ThumbnailOrder {
  type: 'thumbnail';
  image: { path: Uint8Array; identity: string } | { bytes: Uint8Array };
  side: number;
}

/** Metadata that a decoder reads. Sizes are in pixels. */
export interface DecodedMetadata {
  width: number;
  height: number;
  num_channels: number;
  orientation: number;
}

/** One image's metadata, or the failure if the image is at fault. */
export type MetadataResult = { metadata: DecodedMetadata } | { failure: ImageFailure };

/** The result of an order by its type. */
export interface Results {
  metadata: MetadataResult[];
  thumbnail: Uint8Array<ArrayBuffer>;
}

/** `refusal` means that the image is at fault. */
export type Reply = { result: Results[Order['type']] } | { refusal: ImageFailure };
