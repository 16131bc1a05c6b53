import { ItemError } from '../item-error.ts';

/** Why an image has no pixels. The codes are stable: they are stored with the sample. */
export type ImageFailureCode =
  | 'file_not_found'
  | 'permission_denied'
  | 'not_a_file'
  | 'unsupported_format'
  | 'too_many_pixels'
  | 'decode_failed'
  | 'decode_timeout';

/** Why an image has no pixels. `message` is short, written for people, and does not repeat the path. */
export interface ImageFailure {
  code: ImageFailureCode;
  message: string;
}

/** An ImageFailure as an exception. */
export class ImageError extends ItemError implements ImageFailure {
  override readonly name = 'ImageError';
  declare readonly code: ImageFailureCode;

  // biome-ignore lint/complexity/noUselessConstructor: it narrows the type of the code.
  constructor(code: ImageFailureCode, message: string) {
    super(code, message);
  }
}

/**
 * The error for an image with more pixels than allowed.
 *
 * @param pixels the image's pixels, if known
 */
export function tooManyPixels(maxPixels: number, pixels?: number): ImageError {
  const limit = maxPixels.toLocaleString('en-US');
  const has = pixels === undefined ? 'too many pixels' : `${pixels.toLocaleString('en-US')} pixels`;
  return new ImageError('too_many_pixels', `${has}; the limit is ${limit} (PLIMSOLL_MAX_PIXELS)`);
}
