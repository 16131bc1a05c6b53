import type { AnnotationClass } from '../../../../contract/annotation.ts';
import { childOf, textOf, type XmlElement } from '../../reading/xml.ts';

/** The labels that a file declares. */
export interface CvatLabels {
  classes: AnnotationClass[];
  /** Empty if the file declares none: then any label counts. */
  names: ReadonlySet<string>;
  /** The names of the points of skeletons, in order, by label. */
  keypoints: ReadonlyMap<string, readonly string[]>;
  /** `checkbox`, `number`, `text` and the like, of an attribute of a label. */
  inputType(label: string, attribute: string): string | undefined;
}

export const NO_LABELS: CvatLabels = {
  classes: [],
  names: new Set(),
  keypoints: new Map(),
  inputType: () => undefined,
};

/** Reads `<meta>`: its labels are in a task, a job or a project. */
export function readLabels(meta: XmlElement): CvatLabels {
  const parents = [meta, ...meta.children];
  const labels = parents.flatMap((parent) => childOf(parent, 'labels')?.children ?? []);
  const keypoints = new Map<string, string[]>();
  const inputTypes = new Map<string, string>();
  const names: string[] = [];
  for (const label of labels) {
    const name = textOf(label, 'name');
    if (label.name !== 'label' || name === undefined) continue;
    for (const attribute of childOf(label, 'attributes')?.children ?? [])
      inputTypes.set(`${name}\0${textOf(attribute, 'name')}`, textOf(attribute, 'input_type') ?? '');
    // The points of a skeleton are labels with a parent.
    const parent = textOf(label, 'parent');
    if (parent === undefined) names.push(name);
    else keypoints.set(parent, [...(keypoints.get(parent) ?? []), name]);
  }
  return {
    classes: [...new Set(names)].map((name) => {
      const points = keypoints.get(name);
      return points === undefined ? { name } : { name, keypoints: points };
    }),
    names: new Set(names),
    keypoints,
    inputType: (label, attribute) => inputTypes.get(`${label}\0${attribute}`),
  };
}
