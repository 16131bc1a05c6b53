import { deflateSync } from 'node:zlib';
import type { Annotation, Box, Mask } from '../../../contract/annotation.ts';
import { bitmapOfMask, maskBox } from '../../annotations/rle.ts';
import type { ExportFormat, ExportOutput } from '../export-format.ts';
import type { NamedSample } from '../export-request.ts';
import { boundsOf, kindOf } from '../shapes.ts';
import { createJsonList } from './lists.ts';
import { npyHeader } from './npy-header.ts';

/**
 * A folder that `fo.Dataset.from_dir(dataset_type=fo.types.FiftyOneDataset)` reads: `metadata.json` and `samples.json`
 * in the form that FiftyOne reads where metadata have no version. Images are in `data/`.
 *
 * A field of FiftyOne holds labels of one kind, so boxes and masks are in `<field>`, polygons in `<field>_polylines`,
 * keypoints in `<field>_keypoints`, classes of whole pictures in `<field>_classes`, and captions in `<field>_captions`.
 * An object with a box and keypoints is in two fields. Attributes have the prefix `attribute_`, since FiftyOne has names
 * of its own. Positions and sizes are those of the picture as displayed.
 *
 * Source: `LegacyFiftyOneDatasetImporter` of https://github.com/voxel51/fiftyone/blob/develop/fiftyone/utils/data/importers.py
 */
export const fiftyone: ExportFormat = { imagePath: ({ exported }) => `data/${exported}`, write };

async function write(samples: AsyncIterable<NamedSample>, output: ExportOutput): Promise<void> {
  const { folder, classes, counts, request } = output;
  const file = await folder.draft('samples.json');
  await file.write('{"samples":[');
  const add = createJsonList(file);
  for await (const { file: original, exported, width, height, split, tags, annotations } of samples) {
    for (const { label } of annotations) if (label !== undefined) classes.indexOf(label);
    counts.annotations += annotations.length;
    await add({
      filepath: request.images === 'none' ? original.path : `data/${exported}`,
      tags,
      ...(width !== undefined && height !== undefined && { metadata: { _cls: 'ImageMetadata', width, height } }),
      ...(split !== undefined && { split }),
      ...labelsOf(annotations, request.field),
    });
  }
  await file.write('\n]}\n');
  await file.commit();
  const info = { classes: { [request.field]: classes.all().map(({ name }) => name) } };
  await folder.write('metadata.json', `${JSON.stringify({ name: request.dataset, media_type: 'image', info })}\n`);
}

function labelsOf(annotations: readonly Annotation[], field: string): Record<string, unknown> {
  const detections = annotations.flatMap(detectionOf);
  const polylines = annotations.flatMap((one) => (one.points === undefined ? [] : [polylineOf(one)]));
  const keypoints = annotations.flatMap((one) => (one.keypoints === undefined ? [] : [keypointOf(one)]));
  const classifications = annotations.flatMap((one) =>
    kindOf(one) === 'classify' ? [{ ...labelOf('Classification', one), ...confidenceOf(one) }] : [],
  );
  const captions = annotations.flatMap((one) =>
    kindOf(one) === undefined && one.caption !== undefined ? [one.caption] : [],
  );
  return {
    ...(detections.length > 0 && { [field]: { _cls: 'Detections', detections } }),
    ...(polylines.length > 0 && { [`${field}_polylines`]: { _cls: 'Polylines', polylines } }),
    ...(keypoints.length > 0 && { [`${field}_keypoints`]: { _cls: 'Keypoints', keypoints } }),
    ...(classifications.length > 0 && { [`${field}_classes`]: { _cls: 'Classifications', classifications } }),
    ...(captions.length > 0 && { [`${field}_captions`]: captions }),
  };
}

const labelOf = (_cls: string, { label, attributes = {}, iscrowd, caption }: Annotation) => ({
  _cls,
  tags: [],
  ...(label !== undefined && { label }),
  ...(iscrowd && { iscrowd }),
  ...(caption !== undefined && { caption }),
  ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`attribute_${safeKey(name)}`, value])),
});

const confidenceOf = ({ confidence }: Annotation) => (confidence === undefined ? {} : { confidence });

/** Names of fields have neither dots nor dollars. */
const safeKey = (name: string) => name.replaceAll(/[^\p{L}\p{N}_]/gu, '_');

/** The box of an object whose outline is in no other field, with its mask. */
function detectionOf(annotation: Annotation): unknown[] {
  if (annotation.points !== undefined || (annotation.bounding_box === undefined && annotation.mask === undefined))
    return [];
  const label = { ...labelOf('Detection', annotation), ...confidenceOf(annotation) };
  const bounding_box = boundsOf(annotation);
  if (bounding_box === undefined) return [];
  if (annotation.mask === undefined) return [{ ...label, bounding_box }];
  const cut = cutMask(annotation.mask);
  return cut === undefined ? [{ ...label, bounding_box }] : [{ ...label, ...cut }];
}

/** The part of a mask within the box around it: zlib of a NumPy array, as base64. */
function cutMask(mask: Mask): { bounding_box: Box; mask: string } | undefined {
  const [height, width] = mask.size;
  const [left, top, columns, rows] = maskBox(mask);
  if (columns === 0) return undefined;
  const bitmap = bitmapOfMask(mask);
  const cut = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      cut[row * columns + column] = bitmap[(left + column) * height + top + row] as number;
  return {
    bounding_box: [left / width, top / height, columns / width, rows / height],
    mask: deflateSync(Buffer.concat([npyHeader('|b1', [rows, columns]), cut])).toString('base64'),
  };
}

const polylineOf = (annotation: Annotation) => ({
  ...labelOf('Polyline', annotation),
  ...confidenceOf(annotation),
  points: annotation.points,
  closed: true,
  filled: true,
  ...(annotation.oriented && { oriented: true }),
});

/** Confidences of keypoints are those of points, so the object's has another name. */
const keypointOf = (annotation: Annotation) => ({
  ...labelOf('Keypoint', annotation),
  points: annotation.keypoints?.map(([x, y]) => [x, y]),
  visibility: annotation.keypoints?.map(([, , visibility]) => visibility),
  ...(annotation.confidence !== undefined && { object_confidence: annotation.confidence }),
});
