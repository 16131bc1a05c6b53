import type { Annotation } from '../../../../contract/annotation.ts';
import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import { isObject, type JsonObject } from '../../reading/json-object.ts';
import { confidenceOf } from '../../reading/values.ts';
import type { Category } from './category.ts';
import { boxOf, keypointsOf, segmentationOf } from './geometry.ts';
import { idOf } from './id.ts';

/** What is kept elsewhere, or follows from the rest. Other fields are attributes. */
const KNOWN = new Set([
  'id',
  'image_id',
  'category_id',
  'bbox',
  'area',
  'segmentation',
  'iscrowd',
  'keypoints',
  'num_keypoints',
  'caption',
  'score',
  'attributes',
  'file_name',
]);

/**
 * Reads an element of `annotations`, or of a file of results. Positions are in pixels.
 *
 * @param bytes the element's JSON
 * @param categories those that the file declares; undefined for results, which declare none: the ID is the label
 * @throws InvalidValue
 */
export function annotationOf(
  element: JsonObject,
  bytes: Buffer,
  categories: ReadonlyMap<string, Category> | undefined,
): Annotation {
  const { caption } = element;
  if (caption !== undefined && typeof caption !== 'string')
    throw new InvalidValue('malformed', `Its caption is ${shown(caption)}.`);
  if (Array.isArray(element.segments_info))
    throw new InvalidValue('unsupported', 'It is of panoptic segmentation, whose masks are pictures and are not read.');
  const annotation: Annotation = {};
  let positions: number | undefined;
  if (caption === undefined || (element.category_id !== undefined && element.category_id !== null)) {
    const id = idOf(element, 'category_id', bytes);
    const category = categories?.get(id);
    if (categories !== undefined && category === undefined)
      throw new InvalidValue('unknown_reference', `No category has its category_id, ${shown(element.category_id)}.`);
    annotation.label = category?.declared.name ?? id;
    positions = category?.declared.keypoints?.length;
  }
  const box = boxOf(element.bbox);
  if (box !== undefined) annotation.bounding_box = box;
  const { points, mask } = segmentationOf(element.segmentation);
  if (points !== undefined) annotation.points = points;
  if (mask !== undefined) annotation.mask = mask;
  const keypoints = keypointsOf(element.keypoints, positions, categories === undefined);
  if (keypoints !== undefined) annotation.keypoints = keypoints;
  if (caption !== undefined) annotation.caption = caption;
  const confidence = confidenceOf(element.score);
  if (confidence !== undefined) annotation.confidence = confidence;
  if (element.iscrowd === 1 || element.iscrowd === true) annotation.iscrowd = true;
  const attributes = attributesOf(element);
  if (attributes !== undefined) annotation.attributes = attributes;
  return annotation;
}

/** Fields that no one knows, and those of `attributes`, if they are plain. */
function attributesOf(element: JsonObject): Annotation['attributes'] {
  const found: [string, string | number | boolean][] = [];
  for (const name in element) if (!KNOWN.has(name)) addPlain(found, name, element[name]);
  if (isObject(element.attributes))
    for (const [name, value] of Object.entries(element.attributes)) addPlain(found, name, value);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function addPlain(found: [string, string | number | boolean][], name: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    found.push([name, value]);
}
