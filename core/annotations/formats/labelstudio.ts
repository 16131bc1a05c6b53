import { UserError } from '../../errors.ts';
import { InvalidValue } from '../reading/invalid-value.ts';
import { type JsonElement, type JsonPosition, jsonElements } from '../reading/json-elements.ts';
import { fieldOf, isObject, type JsonObject, parseObject } from '../reading/json-object.ts';
import { folderOf } from '../reading/paths.ts';
import { createStepBuilder, type StepBuilder } from '../reading/steps.ts';
import { sizeOf, textOf } from '../reading/values.ts';
import type { AnnotationFormat, ReadRequest, ReadStep } from './format.ts';
import { labelStudioImage } from './labelstudio-image.ts';
import { labelStudioResults } from './labelstudio-results.ts';

/**
 * Label Studio's JSON export: a list of tasks. https://labelstud.io/guide/export. (JSON-MIN is another format.)
 *
 * Of a task that several people annotated, the first annotation that is a ground truth counts, else the one that was
 * updated last: two people's boxes around one object would be two objects. Cancelled annotations and predictions are
 * left out.
 */
export const labelstudio: AnnotationFormat = { name: 'labelstudio', read };

/** A place between two tasks, and the number of the next. */
interface Cursor {
  position: JsonPosition;
  task: number;
}

/** @throws UserError AnnotationsBroken */
async function* read({ path, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const cursor = from as Cursor | undefined;
  const step = createStepBuilder();
  let task = cursor?.task ?? 0;
  let position = cursor?.position;
  let before = position?.offset ?? 0;
  const reading = { path, wants: (section: string) => section === '', from: position };
  for await (const batch of jsonElements(files.stream(path, before), reading)) {
    if (!batch.position.isList && batch.position.state !== 'document')
      throw new UserError('AnnotationsBroken', `${path}: line 1, column 1: it is no list of tasks.`);
    for (const element of batch.elements) {
      addElement(step, path, element, task);
      task += 1;
    }
    position = batch.position;
    step.countBytes(position.offset - before);
    before = position.offset;
    if (step.isFull) yield step.take({ position, task } satisfies Cursor);
  }
  if (!step.isEmpty) yield step.take({ position, task });
}

function addElement(step: StepBuilder, path: string, element: JsonElement, index: number): void {
  step.count(0);
  const place = { file: path, line: element.line };
  const read = () => {
    const task = parseObject(element.bytes.toString());
    const key = textOf(fieldOf(task, 'id'), 'The ID of the task') ?? `#${index}`;
    const results = resultsOf(task);
    const image = labelStudioImage(fieldOf(task, 'data'), folderOf(path));
    const sized = results.filter(isObject).find((result) => sizeOf(fieldOf(result, 'original_width')) !== undefined);
    const width = sized && sizeOf(fieldOf(sized, 'original_width'));
    const height = sized && sizeOf(fieldOf(sized, 'original_height'));
    step.add({ key, image: { ...image, ...(width !== undefined && height !== undefined && { width, height }) } });
    labelStudioResults(results, (make, part) => step.attempt(place, () => ({ key, annotations: make() }), part));
    return undefined;
  };
  step.attempt(place, read);
}

/** The results of the annotation that counts. @throws InvalidValue malformed */
function resultsOf(task: JsonObject): unknown[] {
  // Exports of before version 1.0 call them completions.
  const all = fieldOf(task, 'annotations') ?? fieldOf(task, 'completions') ?? [];
  if (!Array.isArray(all)) throw new InvalidValue('malformed', '`annotations` is no list.');
  const kept = all.filter((one): one is JsonObject => isObject(one) && fieldOf(one, 'was_cancelled') !== true);
  const truth = kept.find((one) => fieldOf(one, 'ground_truth') === true);
  const chosen = truth ?? kept.reduce<JsonObject | undefined>(later, undefined);
  const results = chosen === undefined ? [] : (fieldOf(chosen, 'result') ?? []);
  if (!Array.isArray(results)) throw new InvalidValue('malformed', '`result` is no list.');
  return results;
}

/** Times are ISO 8601 in UTC, so that they compare as text. Of equal ones, the second is later. */
function later(before: JsonObject | undefined, one: JsonObject): JsonObject {
  const time = (annotation: JsonObject) =>
    String(fieldOf(annotation, 'updated_at') ?? fieldOf(annotation, 'created_at') ?? '');
  return before !== undefined && time(before) > time(one) ? before : one;
}
