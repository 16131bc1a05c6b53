import type { Annotation } from '../../../contract/annotation.ts';
import { InvalidValue, shown } from '../reading/invalid-value.ts';
import { fieldOf, isObject, type JsonObject } from '../reading/json-object.ts';
import { isBlank, textsOf } from '../reading/values.ts';
import { labelStudioRegion } from './labelstudio-region.ts';

/** Takes what makes the annotations of a result, and what the result is called in messages. */
export type Attempt = (make: () => Annotation[], part: string) => void;

/**
 * Makes annotations of the results of a task. Those with one ID are about one region: its shape, its labels, and what
 * was asked of it. A region with several labels is an annotation for each. Answers about a region are its caption
 * (`textarea`) or attributes (`choices`, by the name of the question); answers about the picture are annotations.
 * Relations are left out.
 *
 * @param attempt is called for each region and each answer, in order
 */
export function labelStudioResults(results: readonly unknown[], attempt: Attempt): void {
  const groups = new Map<string, JsonObject[]>();
  results.forEach((result, index) => {
    const part = `result[${index}]`;
    if (!isObject(result)) {
      attempt(() => {
        throw new InvalidValue('malformed', `it is ${shown(result)}, not an object.`);
      }, part);
      return;
    }
    if (fieldOf(result, 'type') === 'relation') return;
    const id = isBlank(fieldOf(result, 'id')) ? part : String(fieldOf(result, 'id'));
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [result]);
    else group.push(result);
  });
  for (const [id, group] of groups) attempt(() => annotationsOf(group), `the result ${shown(id)}`);
}

/** @throws InvalidValue malformed, bad_geometry, unknown_size */
function annotationsOf(group: readonly JsonObject[]): Annotation[] {
  const shape = group.find((result) => SHAPES.has(String(fieldOf(result, 'type'))));
  const labels: string[] = [];
  const captions: string[] = [];
  const choices = new Map<string, string[]>();
  for (const result of group) {
    const type = String(fieldOf(result, 'type'));
    const value = fieldOf(result, 'value');
    if (!isObject(value)) throw new InvalidValue('malformed', `its value is ${shown(value)}.`);
    if (type === 'labels' || (SHAPES.has(type) && type.endsWith('labels')))
      labels.push(...textsOf(fieldOf(value, type), 'A label'));
    else if (type === 'choices')
      choices.set(String(fieldOf(result, 'from_name')), textsOf(fieldOf(value, type), 'A choice'));
    else if (type === 'textarea') captions.push(...textsOf(fieldOf(value, 'text'), 'The text'));
    else if (!SHAPES.has(type))
      throw new InvalidValue('unsupported', `Results of the type ${shown(type)} are not read.`);
  }
  if (shape === undefined)
    return [
      ...[...labels, ...[...choices.values()].flat()].map((label) => ({ label })),
      ...captions.map((caption) => ({ caption })),
    ];
  const region: Annotation = {
    ...labelStudioRegion(shape),
    ...(captions.length > 0 && { caption: captions.join('\n') }),
    ...(choices.size > 0 && {
      attributes: Object.fromEntries([...choices].map(([name, chosen]) => [name, chosen.join(', ')])),
    }),
  };
  return labels.length === 0 ? [region] : [...new Set(labels)].map((label) => ({ label, ...region }));
}

/** A shape may be labelled by itself, or by another result. */
const SHAPES = new Set(
  ['rectangle', 'polygon', 'ellipse', 'keypoint', 'brush'].flatMap((type) => [type, `${type}labels`]),
);
