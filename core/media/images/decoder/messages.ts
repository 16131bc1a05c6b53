import type { ImageFailure } from '../image-error.ts';

/** What a decoder is asked for. Structured clones: a path that is no valid UTF-8 goes as bytes. */
export type Order = MetadataOrder | ThumbnailOrder;

/** What only a decoder can tell of images. Several in one order: opening one takes less than a message does. */
export interface MetadataOrder {
  type: 'metadata';
  images: DecoderInput[];
}

/** An image: by its path, or by its bytes where this machine's processes can't open it. */
export type DecoderInput = { path: string | Uint8Array } | { bytes: Uint8Array };

/** A picture of an image. With an identity, no other file that took its name is drawn. */
export interface ThumbnailOrder {
  type: 'thumbnail';
  image: { path: Uint8Array; identity: string } | { bytes: Uint8Array };
  side: number;
}

export interface DecodedMetadata {
  width: number;
  height: number;
  num_channels: number;
  orientation: number;
}

/** Of one image; why it has none where the image is at fault. */
export type MetadataResult = { metadata: DecodedMetadata } | { failure: ImageFailure };

/** The result of an order by its type. */
export interface Results {
  metadata: MetadataResult[];
  thumbnail: Uint8Array<ArrayBuffer>;
}

/** `refusal`: it is the image that is at fault. */
export type Reply = { result: Results[Order['type']] } | { refusal: ImageFailure } | { fault: string };
