export interface DecodeLimits {
  /** Larger images are refused from their header, before memory is taken for them. */
  maxPixels: number;
  /** Half of what an attempt to embed may give no sign of life for. */
  timeoutSeconds: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxPixels: 268_402_689, timeoutSeconds: 30 };
