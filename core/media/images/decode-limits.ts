import { UserError } from '../../errors.ts';

export interface DecodeLimits {
  /** Larger images are refused from their header, before memory is taken for them. */
  maxPixels: number;
  /** Half of the time for which an attempt to embed may give no sign of life. */
  timeoutSeconds: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxPixels: 268_402_689, timeoutSeconds: 30 };

/** PLIMSOLL_MAX_PIXELS, or the default. @throws UserError InvalidSetting */
export function decodeLimitsFromEnvironment({ PLIMSOLL_MAX_PIXELS: text }: NodeJS.ProcessEnv): DecodeLimits {
  if (text === undefined || text === '') return DEFAULT_DECODE_LIMITS;
  const maxPixels = Number(text);
  if (Number.isSafeInteger(maxPixels) && maxPixels >= 1) return { ...DEFAULT_DECODE_LIMITS, maxPixels };
  throw new UserError('InvalidSetting', `PLIMSOLL_MAX_PIXELS is "${text}"; a whole number above 0 is expected.`);
}
