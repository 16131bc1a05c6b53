import type { Annotation } from '../api/shapes.ts';
import { count } from '../words.ts';

/** What an annotation is called: its class, or what it is without one. */
export const nameOf = ({ label, caption }: Annotation): string =>
  label ?? (caption === undefined ? 'no class' : 'caption');

/** A name on one line. */
export const onOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** `cat 0.92` */
export function chipWords(annotation: Annotation): string {
  const name = onOneLine(nameOf(annotation));
  return annotation.confidence === undefined ? name : `${name} ${annotation.confidence.toFixed(2)}`;
}

/** `3 × cat, 1 × dog`, the most frequent first. */
export function countWords(annotations: readonly Annotation[]): string {
  const counts = new Map<string, number>();
  for (const annotation of annotations) {
    const name = nameOf(annotation);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${count(n)}\u00a0×\u00a0${name}`)
    .join(', ');
}
