import type { Annotation, AnnotationFields } from '../api/shapes.ts';

/** Which annotations are drawn over pictures. */
export interface ShownAnnotations {
  field: string;
  /** Classes that are not drawn. */
  hidden: ReadonlySet<string>;
  /** The pairs of keypoints of a class that are joined. */
  skeletonOf: (label: string | undefined) => readonly (readonly [number, number])[];
}

const NONE: readonly Annotation[] = [];

/** The annotations of a field, whose name may be any. */
export function inField(annotations: AnnotationFields | undefined, field: string | undefined): readonly Annotation[] {
  if (annotations === undefined || field === undefined || !Object.hasOwn(annotations, field)) return NONE;
  return annotations[field] ?? NONE;
}

/** The annotations of a sample that are drawn. They stay the same array as long as nothing is hidden. */
export function shownOf(
  annotations: AnnotationFields | undefined,
  shown: ShownAnnotations | undefined,
): readonly Annotation[] {
  const all = inField(annotations, shown?.field);
  if (shown === undefined) return NONE;
  if (shown.hidden.size === 0) return all;
  return all.filter(({ label }) => label === undefined || !shown.hidden.has(label));
}
