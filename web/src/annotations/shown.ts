import type { Annotation, Sample } from '../api/shapes.ts';

/** Which annotations are drawn over pictures. */
export interface ShownAnnotations {
  field: string;
  /** Classes that are not drawn. */
  hidden: ReadonlySet<string>;
  /** The pairs of keypoints of a class that are joined. */
  skeletonOf: (label: string | undefined) => readonly (readonly number[])[];
}

const NONE: readonly Annotation[] = [];

/** The annotations of a sample by field. The types of the API don't tell how long their arrays are, but its schemas do. */
export const fieldsOf = ({ annotations = {} }: Pick<Sample, 'annotations'>) =>
  annotations as unknown as Readonly<Record<string, readonly Annotation[]>>;

/** The annotations of a field, whose name may be any. */
export function inField(sample: Pick<Sample, 'annotations'>, field: string | undefined): readonly Annotation[] {
  const fields = fieldsOf(sample);
  return field !== undefined && Object.hasOwn(fields, field) ? (fields[field] ?? NONE) : NONE;
}

/** The annotations of a sample that are drawn. They stay the same array as long as nothing is hidden. */
export function shownOf(
  sample: Pick<Sample, 'annotations'> | null | undefined,
  shown: ShownAnnotations | undefined,
): readonly Annotation[] {
  if (!sample || shown === undefined) return NONE;
  const all = inField(sample, shown.field);
  if (shown.hidden.size === 0) return all;
  return all.filter(({ label }) => label === undefined || !shown.hidden.has(label));
}
