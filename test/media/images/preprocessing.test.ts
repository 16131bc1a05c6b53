import { expect, test } from 'vitest';
import { parsePreprocessing } from '../../../core/media/images/preprocessing.ts';

const CLIP = {
  crop_size: { height: 224, width: 224 },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_processor_type: 'CLIPFeatureExtractor',
  image_std: [0.26862954, 0.26130258, 0.27577711],
  resample: 3,
  rescale_factor: 0.00392156862745098,
  size: { shortest_edge: 224 },
};

const VIT = {
  do_normalize: true,
  do_resize: true,
  feature_extractor_type: 'ViTFeatureExtractor',
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  resample: 2,
  size: 224,
};

const DINO_V2 = {
  ...CLIP,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
  image_processor_type: 'BitImageProcessor',
  size: { shortest_edge: 256 },
};

test("CLIP's config covers a square and keeps all of it", () => {
  expect(parsePreprocessing(CLIP)).toEqual({
    geometry: {
      resize: { fit: 'cover', width: 224, height: 224, kernel: 'cubic', asPillow: true },
      crop: { width: 224, height: 224 },
    },
    channelOrder: 'RGB',
    normalization: { rescaleFactor: CLIP.rescale_factor, mean: CLIP.image_mean, std: CLIP.image_std },
  });
});

test("ViT's older config squeezes into a square, and rescales without saying so", () => {
  expect(parsePreprocessing(VIT)).toEqual({
    geometry: {
      resize: { fit: 'fill', width: 224, height: 224, kernel: 'linear', asPillow: true },
      crop: { width: 224, height: 224 },
    },
    channelOrder: 'RGB',
    normalization: { rescaleFactor: 1 / 255, mean: VIT.image_mean, std: VIT.image_std },
  });
});

test("DINOv2's config covers a larger square and crops its middle", () => {
  expect(parsePreprocessing(DINO_V2).geometry).toEqual({
    resize: { fit: 'cover', width: 256, height: 256, kernel: 'cubic', asPillow: true },
    crop: { width: 224, height: 224 },
  });
});

test('what is switched off or null is as if it were not there', () => {
  const { geometry } = parsePreprocessing({ ...CLIP, do_pad: false, pad_size: null, do_reduce_labels: false });
  expect(geometry).toEqual(parsePreprocessing(CLIP).geometry);
});

const COMPLETE = {
  size: { height: 224, width: 224 },
  resample: 3,
  do_rescale: true,
  do_normalize: true,
  image_mean: [0.4, 0.5, 0.6],
  image_std: [0.1, 0.2, 0.3],
};

test('a config without a name that says everything is taken at its word', () => {
  expect(parsePreprocessing(COMPLETE)).toEqual({
    geometry: {
      resize: { fit: 'fill', width: 224, height: 224, kernel: 'cubic', asPillow: false },
      crop: { width: 224, height: 224 },
    },
    channelOrder: 'RGB',
    normalization: { rescaleFactor: 1 / 255, mean: COMPLETE.image_mean, std: COMPLETE.image_std },
  });
  expect(parsePreprocessing({ ...COMPLETE, image_processor_type: 'SomebodysImageProcessor' })).toEqual(
    parsePreprocessing(COMPLETE),
  );
});

const CONVNEXT = { image_processor_type: 'ConvNextImageProcessor', size: 224, resample: 3 };
const MOBILE_VIT = { image_processor_type: 'MobileViTImageProcessor', size: 288, resample: 2 };

test("a config without a name takes the channels' order as it is written", () => {
  const flipped = { ...COMPLETE, do_normalize: false, do_flip_channel_order: true };
  expect(parsePreprocessing(flipped).channelOrder).toBe('BGR');
  expect(parsePreprocessing(MOBILE_VIT).channelOrder).toBe('BGR');
});

test.each(['size', 'resample', 'do_rescale', 'do_normalize', 'image_mean', 'image_std'])(
  'a config that names no known processor and lacks %s is refused with the ways out',
  (field) => {
    for (const image_processor_type of [undefined, 'SomebodysImageProcessor', 'toString'])
      expect(() => parsePreprocessing({ ...COMPLETE, image_processor_type, [field]: null })).toThrow(
        new RegExp(`^${field}: missing.*Write ${field} into the file, or one of .*CLIPImageProcessor`),
      );
  },
);

test.each([
  ['do_center_crop', { ...COMPLETE, crop_size: 128 }],
  ['crop_size', { ...COMPLETE, do_center_crop: true }],
])('a crop of which %s is not known is refused', (field, config) => {
  expect(() => parsePreprocessing(config)).toThrow(new RegExp(`^${field}: missing`));
});

test.each([
  ['resample', { ...CONVNEXT, resample: undefined }],
  ['size', { image_processor_type: 'BeitImageProcessor' }],
  ['resample', { ...MOBILE_VIT, resample: null }],
])(
  '%s has another default in each version of transformers for some processors, so it must be there',
  (field, config) => {
    expect(() => parsePreprocessing(config)).toThrow(new RegExp(`^${field}: missing.*differ`));
  },
);

test.each([
  ['do_resize', { ...CLIP, do_resize: false }],
  ['do_pad', { ...CLIP, do_pad: true }],
  ['rescale_offset', { ...COMPLETE, rescale_offset: true }],
  ['use_square_size', { ...CLIP, use_square_size: true }],
  ['max_num_patches', { ...COMPLETE, max_num_patches: 256 }],
  ['size', { ...COMPLETE, size: 224 }],
  ['size', { ...CLIP, size: { shortest_edge: 224, longest_edge: 448 } }],
  ['size', { ...CLIP, size: [224, 224] }],
  ['size', { ...CONVNEXT, size: { height: 224, width: 224 } }],
  ['do_center_crop', { ...CONVNEXT, do_center_crop: true, crop_size: 224 }],
  ['do_center_crop', { ...VIT, size: { shortest_edge: 224 } }],
  ['do_center_crop', { image_processor_type: 'SiglipImageProcessor', size: 224 }],
  ['crop_size', { ...CLIP, crop_size: { shortest_edge: 224 } }],
  ['crop_size', { ...CLIP, crop_size: 225 }],
  ['crop_pct', { ...CLIP, crop_pct: 0.9 }],
  ['crop_pct', { ...CONVNEXT, crop_pct: 1.5 }],
  ['image_std', { ...CLIP, image_std: [0.5, 0, 0.5] }],
  ['do_normalize', { ...CLIP, do_flip_channel_order: true }],
  ['do_normalize', { ...MOBILE_VIT, do_normalize: true, image_mean: [0, 0, 0], image_std: [1, 1, 1] }],
  [
    'do_normalize',
    { ...MOBILE_VIT, do_flip_channel_order: false, do_normalize: true, image_mean: [0, 0, 0], image_std: [1, 1, 1] },
  ],
  ['image_processor_type', { ...COMPLETE, image_processor_type: 'EfficientNetImageProcessor' }],
  ['image_processor_type', { ...COMPLETE, image_processor_type: 'Siglip2ImageProcessorFast' }],
  ['feature_extractor_type', { ...COMPLETE, feature_extractor_type: 'LevitFeatureExtractor' }],
  ['image_processor_type', { ...CLIP, image_processor_type: 7 }],
])('%s is named where a config asks for what is not supported (%j)', (field, config) => {
  expect(() => parsePreprocessing(config)).toThrow(new RegExp(`^${field}: `));
});

test('filters have the numbers of PIL', () => {
  const kernels = [0, 1, 2, 3].map((resample) => parsePreprocessing({ ...CLIP, resample }).geometry.resize.kernel);
  expect(kernels).toEqual(['nearest', 'lanczos3', 'linear', 'cubic']);
  for (const resample of [4, 5, 6]) expect(() => parsePreprocessing({ ...CLIP, resample })).toThrow(/^resample: /);
});

test('fields that do not concern the pixels change nothing', () => {
  const others = {
    _name_or_path: 'somewhere',
    _processor_class: 'CLIPProcessor',
    _valid_processor_keys: ['images'],
    data_format: 'channels_first',
    default_to_square: true,
    device: 'cpu',
    disable_grouping: true,
    do_convert_rgb: true,
    do_reduce_labels: true,
    image_seq_length: 50,
    input_data_format: 'channels_last',
    num_channels: 3,
    patch_size: 32,
    processor_class: 'CLIPProcessor',
    reduce_labels: true,
    return_tensors: 'pt',
    transformers_version: '4.57.1',
  };
  expect(parsePreprocessing({ ...CLIP, ...others })).toEqual(parsePreprocessing(CLIP));
});

test.each([[{ width: 225, height: 100 }], [{ width: 100, height: 225 }]])(
  'a crop of $width x $height is refused where one edge is larger than the image',
  (crop_size) => {
    expect(() => parsePreprocessing({ ...CLIP, crop_size })).toThrow(/^crop_size: larger/);
  },
);

test('crops may be no squares', () => {
  const crop = { width: 224, height: 100 };
  expect(parsePreprocessing({ ...CLIP, crop_size: crop }).geometry.crop).toEqual(crop);
});

test("ConvNeXT's percentage gives whole pixels, rounded down, and none from 384 on", () => {
  expect(parsePreprocessing({ ...CONVNEXT, crop_pct: 0.9 }).geometry).toEqual({
    resize: { fit: 'cover', width: 248, height: 248, kernel: 'cubic', asPillow: true },
    crop: { width: 224, height: 224 },
  });
  expect(parsePreprocessing({ ...CONVNEXT, size: 383, crop_pct: 0.9 }).geometry.resize.width).toBe(425);
  expect(parsePreprocessing({ ...CONVNEXT, size: 384, crop_pct: 0.9 }).geometry).toEqual({
    resize: { fit: 'fill', width: 384, height: 384, kernel: 'cubic', asPillow: true },
    crop: { width: 384, height: 384 },
  });
});

test('rescaling and normalising are switched on and off by themselves', () => {
  const { image_mean: mean, image_std: std } = COMPLETE;
  const of = (fields: object) => parsePreprocessing({ ...COMPLETE, ...fields }).normalization;
  expect(of({ rescale_factor: 0.5 })).toEqual({ rescaleFactor: 0.5, mean, std });
  expect(of({ do_rescale: false })).toEqual({ rescaleFactor: 1, mean, std });
  expect(of({ do_normalize: false })).toEqual({ rescaleFactor: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] });
  expect(of({ do_rescale: false, do_normalize: false })).toBeUndefined();
});

test('a wrong value is named with its place', () => {
  expect(() => parsePreprocessing({ ...CLIP, image_mean: [0.5, 'a', 0.5] })).toThrow(/^image_mean\.1: /);
  expect(() => parsePreprocessing([])).toThrow(/^the content: /);
});
