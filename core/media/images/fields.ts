/** The metadata of an image for the API and the command line, and the fields that filters accept. */
import * as z from 'zod';

const count = z.int().min(0);

/** The metadata of an image, as the API shows it. */
export const imageMetadata = z.object({
  size_bytes: count,
  mime_type: z.string(),
  format: z.string(),
  width: count.describe('Pixels as displayed.'),
  height: count,
  num_channels: count,
  orientation: z.int().min(1).max(8).describe('EXIF orientation of the file.'),
});

const PIXELS = 1_000_000;

/** Fields that filters match by range. `most` is the largest accepted bound. */
export const IMAGE_RANGES = {
  width: { most: PIXELS, description: 'Pixels as displayed.' },
  height: { most: PIXELS, description: 'Pixels as displayed.' },
} as const;
