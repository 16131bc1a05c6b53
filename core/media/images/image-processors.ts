/** The values of an image processor of transformers for fields that a preprocessor_config.json leaves out. */
export interface ImageProcessor {
  /** Whether a `size` of one number means both edges. Otherwise it means the shortest edge. */
  defaultToSquare: boolean;
  /**
   * The resizing of ConvNeXT: below 384 pixels the shortest edge becomes `size / crop_pct` and the middle is cut out.
   * From 384 pixels on the picture is squeezed into a square.
   */
  cropsByPercentage?: boolean;
  /** Defaults by field. A field that is not here has none: the config must have it. */
  defaults: {
    size?: Size;
    resample?: number;
    do_center_crop: boolean;
    crop_size?: number;
    crop_pct?: number;
    do_normalize: boolean;
    image_mean?: readonly number[];
    image_std?: readonly number[];
    do_flip_channel_order?: boolean;
  };
}

/** A size in pixels. */
export type Size = { shortest_edge: number } | { height: number; width: number };

const OPENAI_CLIP = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const IMAGENET_DEFAULT = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const IMAGENET_STANDARD = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

const BILINEAR = 2;
const BICUBIC = 3;

const square = (edge: number): Size => ({ height: edge, width: edge });

const CLIP: ImageProcessor = {
  defaultToSquare: false,
  defaults: {
    size: { shortest_edge: 224 },
    resample: BICUBIC,
    do_center_crop: true,
    crop_size: 224,
    do_normalize: true,
    ...OPENAI_CLIP,
  },
};

const MOBILE_NET: ImageProcessor = {
  defaultToSquare: false,
  defaults: {
    size: { shortest_edge: 256 },
    resample: BILINEAR,
    do_center_crop: true,
    crop_size: 224,
    do_normalize: true,
    ...IMAGENET_STANDARD,
  },
};

/**
 * The image processors whose defaults are known, from the sources of transformers 4.57.1 and 5.24.0
 * (src/transformers/models/…/image_processing_*.py). Where the two differ, the field has no default here: a config
 * without it means different pixels in different versions. All of them rescale by 1/255.
 */
const PROCESSORS: Record<string, ImageProcessor> = {
  // Also the Beit processor of data2vec-vision. The default size is 256 in transformers 4 and 224 in 5.
  BeitImageProcessor: {
    defaultToSquare: true,
    defaults: {
      resample: BICUBIC,
      do_center_crop: false,
      crop_size: 224,
      do_normalize: true,
      ...IMAGENET_STANDARD,
    },
  },
  // Also of DINOv2 and FocalNet.
  BitImageProcessor: CLIP,
  BlipImageProcessor: {
    defaultToSquare: true,
    defaults: { size: square(384), resample: BICUBIC, do_center_crop: false, do_normalize: true, ...OPENAI_CLIP },
  },
  ChineseCLIPImageProcessor: CLIP,
  CLIPImageProcessor: CLIP,
  // Also of ResNet, RegNet, ConvNeXT V2 and CvT. The default filter is bilinear in transformers 4 and bicubic in 5.
  ConvNextImageProcessor: {
    defaultToSquare: false,
    cropsByPercentage: true,
    defaults: {
      size: { shortest_edge: 384 },
      do_center_crop: false,
      crop_pct: 224 / 256,
      do_normalize: true,
      ...IMAGENET_STANDARD,
    },
  },
  DeiTImageProcessor: {
    defaultToSquare: true,
    defaults: {
      size: square(256),
      resample: BICUBIC,
      do_center_crop: true,
      crop_size: 224,
      do_normalize: true,
      ...IMAGENET_STANDARD,
    },
  },
  DINOv3ViTImageProcessor: {
    defaultToSquare: true,
    defaults: { size: square(224), resample: BILINEAR, do_center_crop: false, do_normalize: true, ...IMAGENET_DEFAULT },
  },
  MobileNetV1ImageProcessor: MOBILE_NET,
  MobileNetV2ImageProcessor: MOBILE_NET,
  // The default filter is bilinear in transformers 4 and bicubic in 5.
  MobileViTImageProcessor: {
    defaultToSquare: false,
    defaults: {
      size: { shortest_edge: 224 },
      do_center_crop: true,
      crop_size: 256,
      do_normalize: false,
      do_flip_channel_order: true,
    },
  },
  SiglipImageProcessor: {
    defaultToSquare: false,
    defaults: { size: square(224), resample: BICUBIC, do_center_crop: false, do_normalize: true, ...IMAGENET_STANDARD },
  },
  // Also of Swin, DINO, ViT-MAE, ViT-MSN and CLIPSeg.
  ViTImageProcessor: {
    defaultToSquare: true,
    defaults: {
      size: square(224),
      resample: BILINEAR,
      do_center_crop: false,
      do_normalize: true,
      ...IMAGENET_STANDARD,
    },
  },
};

/** Image processors with steps that no field of their config tells about. Their pixels would be wrong in silence. */
const WITH_OWN_STEPS = new Set([
  'BridgeTowerImageProcessor',
  'EfficientNetImageProcessor',
  'FlavaImageProcessor',
  'GLPNImageProcessor',
  'ImageGPTImageProcessor',
  'LayoutLMv2ImageProcessor',
  'LayoutLMv3ImageProcessor',
  'LevitImageProcessor',
  'Owlv2ImageProcessor',
  'PerceiverImageProcessor',
  'Pix2StructImageProcessor',
  'PoolFormerImageProcessor',
  'Siglip2ImageProcessor',
  'ViltImageProcessor',
]);

/** The names whose defaults are known, for messages. */
export const KNOWN_PROCESSORS = Object.keys(PROCESSORS);

/**
 * Finds the image processor that a config names. Older configs name a feature extractor, and some a faster variant of
 * the same processor. Returns undefined for a name that is missing or unknown.
 *
 * @throws Error when the processor has steps that are not supported
 */
export function findProcessor(config: {
  image_processor_type?: string | null | undefined;
  feature_extractor_type?: string | null | undefined;
}): ImageProcessor | undefined {
  const field = config.image_processor_type == null ? 'feature_extractor_type' : 'image_processor_type';
  const name = (config[field] ?? '').replace('FeatureExtractor', 'ImageProcessor').replace(/(Fast|Pil)$/, '');
  if (WITH_OWN_STEPS.has(name))
    throw new Error(
      `${field}: ${name} prepares images in steps of its own, which are not supported. ` +
        'Choose a model with another image processor.',
    );
  return Object.hasOwn(PROCESSORS, name) ? PROCESSORS[name] : undefined;
}
