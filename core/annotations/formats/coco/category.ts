import type { AnnotationClass } from '../../../../contract/annotation.ts';
import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import { type JsonObject, parseObject } from '../../reading/json-object.ts';
import { idOf } from './id.ts';

/** A category as a file declares it. Annotations refer to its ID as text. */
export interface Category {
  id: string;
  declared: AnnotationClass;
}

/** Reads an element of `categories`. @throws InvalidValue malformed, unknown_reference */
export function categoryOf(bytes: Buffer): Category {
  const element = parseObject(bytes.toString());
  const id = idOf(element, 'id', bytes);
  const { name, supercategory, keypoints } = element;
  if (typeof name !== 'string' || name === '') throw new InvalidValue('malformed', `Its name is ${shown(name)}.`);
  const names = keypoints === undefined || keypoints === null ? undefined : namesOf(keypoints);
  return {
    id,
    declared: {
      name,
      ...(typeof element.id === 'number' && { id: element.id }),
      ...(typeof supercategory === 'string' && supercategory !== '' && { supercategory }),
      ...(names !== undefined && { keypoints: names, ...skeletonOf(element, names.length) }),
    },
  };
}

function namesOf(keypoints: unknown): string[] {
  if (Array.isArray(keypoints) && keypoints.every((name) => typeof name === 'string')) return keypoints;
  throw new InvalidValue('malformed', `Its keypoints are ${shown(keypoints)}, not names.`);
}

/** COCO counts the positions that a skeleton joins from 1. */
function skeletonOf({ skeleton }: JsonObject, positions: number): Pick<AnnotationClass, 'skeleton'> {
  if (skeleton === undefined || skeleton === null) return {};
  if (!Array.isArray(skeleton)) throw new InvalidValue('malformed', `Its skeleton is ${shown(skeleton)}, not a list.`);
  const isPosition = (end: unknown) => Number.isInteger(end) && (end as number) >= 1 && (end as number) <= positions;
  const joined = skeleton.map((pair): [number, number] => {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(isPosition))
      throw new InvalidValue('unknown_reference', `Its skeleton joins ${shown(pair)} of ${positions} keypoints.`);
    return [pair[0] - 1, pair[1] - 1];
  });
  return { skeleton: joined };
}
