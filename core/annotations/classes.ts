import type { Annotation } from '../../contract/annotation.ts';
import type { ClassCount } from '../store/documents.ts';

/** Whether a class belongs to a field, and to this set of it. */
export const isOf = (each: ClassCount, field: string, set?: string) =>
  each.field === field && (set === undefined || each.set === set);

/** The classes of the objects of one set. */
export function classesOf(objects: readonly Annotation[], field: string, set: string): ClassCount[] {
  const byLabel = new Map<string, number>();
  for (const { label } of objects) if (label !== undefined) byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
  return [...byLabel].map(([label, n]) => ({ label, field, set, objects: n }));
}
