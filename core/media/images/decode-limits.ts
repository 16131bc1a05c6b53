import { UserError } from '../../errors.ts';

/** Limits on decoding one image. */
export interface DecodeLimits {
  /** The most pixels of an image. Larger images are refused by their header, before memory is allocated for them. */
  maxPixels: number;
  /** The time limit of one try to decode an image. A late image is tried once more. */
  timeoutSeconds: number;
}

/** The pixel limit is sharp's default, 16,383 x 16,383. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxPixels: 268_402_689, timeoutSeconds: 30 };

/**
 * The limits, with PLIMSOLL_MAX_PIXELS or its default.
 *
 * @throws UserError InvalidSetting
 */
export function decodeLimitsFromEnvironment({ PLIMSOLL_MAX_PIXELS: text }: NodeJS.ProcessEnv): DecodeLimits {
  if (text === undefined || text === '') return DEFAULT_DECODE_LIMITS;
  const maxPixels = Number(text);
  if (Number.isSafeInteger(maxPixels) && maxPixels >= 1) return { ...DEFAULT_DECODE_LIMITS, maxPixels };
  throw new UserError('InvalidSetting', `PLIMSOLL_MAX_PIXELS is "${text}"; a whole number above 0 is expected.`);
}
