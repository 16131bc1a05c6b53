import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { ModelInvalidError } from '../../models/errors.ts';
import type { PixelGeometry } from './decode.ts';

/**
 * A model's image preprocessing, from its preprocessor_config.json (the format of transformers and transformers.js).
 */
export interface Preprocessing {
  geometry: PixelGeometry;
  /** A pixel value v of channel c becomes `(v * rescaleFactor - mean[c]) / std[c]`. Undefined leaves raw values. */
  normalization: { rescaleFactor: number; mean: number[]; std: number[] } | undefined;
}

type ResizeKernel = PixelGeometry['resize']['kernel'];

/** PIL's filter numbers. libvips has no equivalent of box (4) and Hamming (5). */
const KERNELS: Record<number, ResizeKernel> = { 0: 'nearest', 1: 'lanczos3', 2: 'linear', 3: 'cubic' };

const Pixels = z.int().positive().max(16_384);
const Channels = z.array(z.number()).length(3);

const Config = z.object({
  do_resize: z.boolean().nullish(),
  size: z
    .union([Pixels, z.strictObject({ shortest_edge: Pixels }), z.strictObject({ height: Pixels, width: Pixels })])
    .nullish(),
  resample: z
    .int()
    .refine((filter) => filter in KERNELS, '0 (nearest), 1 (Lanczos), 2 (bilinear) or 3 (bicubic) expected')
    .nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: z.union([Pixels, z.strictObject({ height: Pixels, width: Pixels })]).nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: Channels.nullish(),
  image_std: Channels.refine((std) => std.every((value) => value > 0), 'positive numbers expected').nullish(),
});

/** Fields that do not affect the pixels, such as the file's author and the layout of Python arrays. */
const WITHOUT_EFFECT = new Set([
  '_name_or_path',
  '_processor_class',
  '_valid_processor_keys',
  'data_format',
  'default_to_square',
  'device',
  'disable_grouping',
  'do_convert_rgb',
  'feature_extractor_type',
  'image_processor_type',
  'image_seq_length',
  'input_data_format',
  'num_channels',
  'patch_size',
  'processor_class',
  'return_tensors',
  'transformers_version',
]);

/**
 * Reads a preprocessor_config.json.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readPreprocessing(file: string): Promise<Preprocessing> {
  const text = await readFile(file, 'utf8');
  try {
    return parsePreprocessing(JSON.parse(text));
  } catch (error) {
    throw new ModelInvalidError(`${file}: ${(error as Error).message}`);
  }
}

/**
 * Parses the content of a preprocessor_config.json.
 *
 * @throws Error naming the field
 */
export function parsePreprocessing(json: unknown): Preprocessing {
  const parsed = Config.loose().safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(`${issue?.path.join('.') || 'the content'}: ${issue?.message}`);
  }
  const config = parsed.data;
  for (const [field, value] of Object.entries(config)) {
    if (field in Config.shape || WITHOUT_EFFECT.has(field) || value === null || value === false) continue;
    throw new Error(`${field}: this kind of preprocessing (${JSON.stringify(value)}) is not supported`);
  }
  return { geometry: geometryOf(config), normalization: normalizationOf(config) };
}

function geometryOf(config: z.infer<typeof Config>): PixelGeometry {
  if (config.do_resize === false)
    throw new Error('do_resize: false is not supported, a batch needs images of one size');
  if (config.size == null) throw new Error('size: missing');
  const crops = config.do_center_crop ?? config.crop_size != null;
  if (crops && config.crop_size == null) throw new Error('crop_size: missing, do_center_crop needs it');

  const kernel = KERNELS[config.resample ?? 2] as ResizeKernel;
  const resize = { ...resizeOf(config.size, crops), kernel };
  if (!crops) {
    if (resize.fit === 'cover')
      throw new Error(
        'do_center_crop: false with size.shortest_edge is not supported, it gives images of different sizes',
      );
    return { resize, crop: { width: resize.width, height: resize.height } };
  }
  const size = config.crop_size as number | { width: number; height: number };
  const crop = typeof size === 'number' ? { width: size, height: size } : { width: size.width, height: size.height };
  if (crop.width > resize.width || crop.height > resize.height)
    throw new Error('crop_size: larger than size is not supported, it would need padding');
  return { resize, crop };
}

/**
 * The resize target. A bare number is the shortest edge for processors that crop (CLIP), and both edges for others
 * (ViT).
 */
function resizeOf(
  size: number | { shortest_edge: number } | { height: number; width: number },
  crops: boolean,
): { fit: 'cover' | 'fill'; width: number; height: number } {
  if (typeof size === 'number') return { fit: crops ? 'cover' : 'fill', width: size, height: size };
  if ('shortest_edge' in size) return { fit: 'cover', width: size.shortest_edge, height: size.shortest_edge };
  return { fit: 'fill', width: size.width, height: size.height };
}

function normalizationOf(config: z.infer<typeof Config>): Preprocessing['normalization'] {
  const rescales = config.do_rescale ?? true;
  const normalizes = config.do_normalize ?? config.image_mean != null;
  if (!rescales && !normalizes) return undefined;
  if (normalizes && config.image_mean == null) throw new Error('image_mean: missing, do_normalize needs it');
  if (normalizes && config.image_std == null) throw new Error('image_std: missing, do_normalize needs it');
  return {
    rescaleFactor: rescales ? (config.rescale_factor ?? 1 / 255) : 1,
    mean: normalizes ? (config.image_mean as number[]) : [0, 0, 0],
    std: normalizes ? (config.image_std as number[]) : [1, 1, 1],
  };
}
