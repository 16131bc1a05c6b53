import type { AnnotationClass } from '../../contract/annotation.ts';

/** The classes of an export, numbered in their order. The list grows by those that nobody declared. */
export interface ClassList {
  /** The number of a class, from 0. */
  indexOf(name: string): number;
  /** All classes so far. */
  all(): readonly AnnotationClass[];
}

export function createClassList(declared: readonly AnnotationClass[]): ClassList {
  const classes: AnnotationClass[] = [];
  const indices = new Map<string, number>();

  function add(one: AnnotationClass): number {
    indices.set(one.name, classes.length);
    classes.push(one);
    return classes.length - 1;
  }

  for (const one of declared) if (!indices.has(one.name)) add(one);
  return { indexOf: (name) => indices.get(name) ?? add({ name }), all: () => classes };
}
