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
      resize: { fit: 'cover', width: 224, height: 224, kernel: 'cubic' },
      crop: { width: 224, height: 224 },
    },
    normalization: { rescaleFactor: CLIP.rescale_factor, mean: CLIP.image_mean, std: CLIP.image_std },
  });
});

test("ViT's older config squeezes into a square, and rescales without saying so", () => {
  expect(parsePreprocessing(VIT)).toEqual({
    geometry: {
      resize: { fit: 'fill', width: 224, height: 224, kernel: 'linear' },
      crop: { width: 224, height: 224 },
    },
    normalization: { rescaleFactor: 1 / 255, mean: VIT.image_mean, std: VIT.image_std },
  });
});

test("DINOv2's config covers a larger square and crops its middle", () => {
  expect(parsePreprocessing(DINO_V2).geometry).toEqual({
    resize: { fit: 'cover', width: 256, height: 256, kernel: 'cubic' },
    crop: { width: 224, height: 224 },
  });
});

test('what is switched off or null is as if it were not there', () => {
  const { geometry } = parsePreprocessing({ ...CLIP, do_pad: false, pad_size: null, do_reduce_labels: false });
  expect(geometry).toEqual(parsePreprocessing(CLIP).geometry);
});
