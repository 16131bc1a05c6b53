import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { ModelInvalidError } from '../../models/errors.ts';
import { findProcessor, type ImageProcessor, KNOWN_PROCESSORS, type Size } from './image-processors.ts';
import type { PixelGeometry } from './resize.ts';

/**
 * A model's image preprocessing, from its preprocessor_config.json (the format of transformers and transformers.js).
 */
export interface Preprocessing {
  geometry: PixelGeometry;
  /** A pixel value v of channel c becomes `(v * rescaleFactor - mean[c]) / std[c]`. Undefined leaves raw values. */
  normalization: { rescaleFactor: number; mean: readonly number[]; std: readonly number[] } | undefined;
  /** The order of the channels in the tensor. */
  channelOrder: 'RGB' | 'BGR';
}

type ResizeKernel = PixelGeometry['resize']['kernel'];

/** PIL's filter numbers. libvips has no equivalent of box (4) and Hamming (5). */
const KERNELS: Record<number, ResizeKernel> = { 0: 'nearest', 1: 'lanczos3', 2: 'linear', 3: 'cubic' };

/** From this size on ConvNeXT's processor squeezes instead of cropping. */
const CONVNEXT_SQUEEZES_FROM = 384;

const Pixels = z.int().positive().max(16_384);
const HeightAndWidth = z.strictObject({ height: Pixels, width: Pixels });
const Channels = z.array(z.number()).length(3);

const Config = z.object({
  image_processor_type: z.string().nullish(),
  feature_extractor_type: z.string().nullish(),
  do_resize: z.boolean().nullish(),
  size: z
    .union(
      [Pixels, z.strictObject({ shortest_edge: Pixels }), HeightAndWidth],
      'a number of pixels, {"shortest_edge"} or {"height", "width"} expected',
    )
    .nullish(),
  resample: z
    .int()
    .refine((filter) => filter in KERNELS, '0 (nearest), 1 (Lanczos), 2 (bilinear) or 3 (bicubic) expected')
    .nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: z.union([Pixels, HeightAndWidth], 'a number of pixels or {"height", "width"} expected').nullish(),
  crop_pct: z.number().positive().max(1).nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: Channels.nullish(),
  image_std: Channels.refine((std) => std.every((value) => value > 0), 'positive numbers expected').nullish(),
  do_flip_channel_order: z.boolean().nullish(),
});
type Config = z.infer<typeof Config>;

/** Fields that do not affect the pixels, such as the file's author, labels, and the layout of Python arrays. */
const WITHOUT_EFFECT = new Set([
  '_name_or_path',
  '_processor_class',
  '_valid_processor_keys',
  'data_format',
  'default_to_square',
  'device',
  'disable_grouping',
  'do_convert_rgb',
  'do_reduce_labels',
  'image_seq_length',
  'input_data_format',
  'num_channels',
  'patch_size',
  'processor_class',
  'reduce_labels',
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
 * Parses the content of a preprocessor_config.json. Fields that are left out or null get the defaults of the image
 * processor that the config names. Without a known name, each field that affects the pixels must be there.
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
  const processor = findProcessor(config);
  return {
    geometry: geometryOf(config, processor),
    channelOrder: channelOrderOf(config, processor),
    normalization: normalizationOf(config, processor),
  };
}

function geometryOf(config: Config, processor: ImageProcessor | undefined): PixelGeometry {
  if (config.do_resize === false)
    throw new Error('do_resize: false is not supported, a batch needs images of one size');
  const size = sizeOf(config, processor);
  const kernel = KERNELS[fieldOf('resample', config, processor)] as ResizeKernel;
  const crops = cropsOf(config, processor);
  if (processor?.cropsByPercentage) return geometryByPercentage(config, processor, size, kernel);
  if (config.crop_pct != null)
    throw new Error('crop_pct: only ConvNextImageProcessor is known to use it. Remove it, or name the processor');

  const resize = { ...targetOf(size), kernel, asPillow: processor !== undefined };
  if (!crops) {
    if (resize.fit === 'cover')
      throw new Error(
        'do_center_crop: false with size.shortest_edge is not supported, it gives images of different sizes',
      );
    return { resize, crop: { width: resize.width, height: resize.height } };
  }
  const cropSize = fieldOf('crop_size', config, processor);
  const crop = typeof cropSize === 'number' ? { width: cropSize, height: cropSize } : { ...cropSize };
  if (crop.width > resize.width || crop.height > resize.height)
    throw new Error('crop_size: larger than size is not supported, it would need padding');
  return { resize, crop };
}

/** ConvNeXT's resizing. Versions of transformers differ in whether it also crops to `crop_size`, so that is refused. */
function geometryByPercentage(
  config: Config,
  processor: ImageProcessor,
  size: Size,
  kernel: ResizeKernel,
): PixelGeometry {
  if (!('shortest_edge' in size)) throw new Error('size: this processor needs a number or {"shortest_edge"}');
  if (config.do_center_crop === true)
    throw new Error('do_center_crop: this processor crops by crop_pct. Remove do_center_crop and crop_size');
  const edge = size.shortest_edge;
  const crop = { width: edge, height: edge };
  if (edge >= CONVNEXT_SQUEEZES_FROM) return { resize: { fit: 'fill', ...crop, kernel, asPillow: true }, crop };
  const larger = Math.floor(edge / fieldOf('crop_pct', config, processor));
  return { resize: { fit: 'cover', width: larger, height: larger, kernel, asPillow: true }, crop };
}

/**
 * The size after resizing. A bare number means both edges for some processors (ViT), and the shortest edge for others
 * (CLIP).
 */
function sizeOf(config: Config, processor: ImageProcessor | undefined): Size {
  const size = fieldOf('size', config, processor);
  if (typeof size !== 'number') return size;
  if (processor === undefined)
    throw new Error(
      'size: a number is ambiguous without a known image_processor_type. ' +
        'Write {"shortest_edge"} or {"height", "width"}',
    );
  return processor.defaultToSquare ? { height: size, width: size } : { shortest_edge: size };
}

function targetOf(size: Size): { fit: 'cover' | 'fill'; width: number; height: number } {
  if ('shortest_edge' in size) return { fit: 'cover', width: size.shortest_edge, height: size.shortest_edge };
  return { fit: 'fill', width: size.width, height: size.height };
}

/** Whether the middle is cut out. It is not for an unknown processor without crop_size. */
function cropsOf(config: Config, processor: ImageProcessor | undefined): boolean {
  if (processor === undefined && config.do_center_crop == null && config.crop_size == null) return false;
  return fieldOf('do_center_crop', config, processor);
}

function normalizationOf(config: Config, processor: ImageProcessor | undefined): Preprocessing['normalization'] {
  const rescales = config.do_rescale ?? (processor === undefined ? missing('do_rescale', processor) : true);
  const normalizes = fieldOf('do_normalize', config, processor);
  if (!rescales && !normalizes) return undefined;
  return {
    rescaleFactor: rescales ? (config.rescale_factor ?? 1 / 255) : 1,
    mean: normalizes ? fieldOf('image_mean', config, processor) : [0, 0, 0],
    std: normalizes ? fieldOf('image_std', config, processor) : [1, 1, 1],
  };
}

/**
 * MobileViT's processor swaps red and blue and never normalises. For others it would be unclear whether image_mean is in
 * the order before or after.
 */
function channelOrderOf(config: Config, processor: ImageProcessor | undefined): Preprocessing['channelOrder'] {
  const byDefault = processor?.defaults.do_flip_channel_order ?? false;
  const flips = config.do_flip_channel_order ?? byDefault;
  if ((flips || byDefault) && fieldOf('do_normalize', config, processor))
    throw new Error(
      'do_normalize: not supported with do_flip_channel_order, image_mean may be in either order. ' +
        'Set one of the two to false',
    );
  return flips ? 'BGR' : 'RGB';
}

type DefaultField = keyof ImageProcessor['defaults'] & keyof Config;

/** A field's value, or the processor's default. */
function fieldOf<F extends DefaultField>(field: F, config: Config, processor: ImageProcessor | undefined) {
  type Value = NonNullable<Config[F]> | NonNullable<ImageProcessor['defaults'][F]>;
  return (config[field] ?? processor?.defaults[field] ?? missing(field, processor)) as Value;
}

function missing(field: string, processor: ImageProcessor | undefined): never {
  throw new Error(
    processor
      ? `${field}: missing, and versions of transformers differ in its default. Write the model's value into the file`
      : `${field}: missing, and no image_processor_type with a known default is named. ` +
          `Write ${field} into the file, or one of ${KNOWN_PROCESSORS.join(', ')}`,
  );
}
