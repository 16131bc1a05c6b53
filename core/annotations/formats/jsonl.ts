import type { TextPosition } from '../reading/csv-records.ts';
import { InvalidValue } from '../reading/invalid-value.ts';
import { jsonLines } from '../reading/json-lines.ts';
import { fieldOf, isObject } from '../reading/json-object.ts';
import { createStepBuilder, type StepBuilder } from '../reading/steps.ts';
import { confidenceOf, isBlank, textOf } from '../reading/values.ts';
import type { AnnotationFormat, Piece, ReadRequest, ReadStep } from './format.ts';
import { plimsollAnnotation } from './plimsoll-annotation.ts';
import { checkMapping, resolveColumns, type TableColumns, type Unclear, unclearColumns } from './table-columns.ts';
import { annotationsOfRow, checkPositions, imageOfRow, listedBox, type Row } from './table-row.ts';

/**
 * A JSON object a line, for each image or each object. Its fields are columns, see table-columns.ts. Beside them, a line
 * may have
 * - `objects`: a list of `{label, bounding_box, caption, confidence}`. `bounding_box` is relative unless a unit is named;
 *   a `bbox` has the unit of the table.
 * - `annotations`: a list of annotations in Plimsoll's own shapes, always relative, as an export has them.
 */
export const jsonl: AnnotationFormat = { name: 'jsonl', read };

/** @throws UserError AnnotationsUnclear before the first step, AnnotationsBroken */
async function* read({ path, files, columns: mapping = {}, from }: ReadRequest): AsyncGenerator<ReadStep> {
  checkMapping(path, mapping);
  const step = createStepBuilder();
  let position = from as TextPosition | undefined;
  // What is unclear in the first lines is so in the table. Later, it is an odd line.
  let first = position === undefined;
  const unseen = new Set(Object.entries(mapping).flatMap(([field, name]) => (field === 'unit' ? [] : [name])));
  let names: string[] = [];
  let namesImages = !first;
  const resolved = keepColumns();

  function take(): ReadStep {
    const [missing] = unseen;
    if (first && missing !== undefined)
      throw unclearColumns(path, `No line near its beginning has a field ${JSON.stringify(missing)}.`, names);
    first = false;
    return step.take(position);
  }
  for await (const { value, problem, line, bytes, next } of jsonLines(files, { path }, position)) {
    position = next;
    step.count(bytes);
    if (problem !== undefined) step.addInvalid({ ...problem, file: path, line });
    if (value !== undefined) {
      const fields = Object.keys(value);
      if (first) {
        names = [...new Set([...names, ...fields])].slice(0, 1_000);
        for (const name of fields) unseen.delete(name);
      }
      const unclear: Unclear = (why) =>
        first ? unclearColumns(path, why, fields) : new InvalidValue('malformed', why);
      addLine(
        step,
        { file: path, line },
        value,
        () => {
          const columns = resolved(fields, () => resolveColumns(fields, mapping, unclear));
          if (columns.names.has('image')) namesImages = true;
          else if (namesImages) throw new InvalidValue('malformed', 'The line names no image.');
          else throw unclear('No field is known to name the image.');
          return columns;
        },
        unclear,
      );
    }
    if (step.isFull) yield take();
  }
  if (!step.isEmpty) yield take();
}

/** Keeps what the fields of a line mean: most lines have the same. */
function keepColumns(): (fields: readonly string[], resolve: () => TableColumns) => TableColumns {
  const kept = new Map<string, TableColumns>();
  return (fields, resolve) => {
    const id = JSON.stringify(fields);
    const known = kept.get(id);
    if (known !== undefined) return known;
    const columns = resolve();
    if (kept.size < MAX_KEPT) kept.set(id, columns);
    return columns;
  };
}

const MAX_KEPT = 100;

/** A line's image, what its fields say, and each of its objects: one that is wrong leaves the others. */
function addLine(
  step: StepBuilder,
  place: { file: string; line: number },
  value: Record<string, unknown>,
  resolve: () => TableColumns,
  unclear: Unclear,
): void {
  let found: { key: string; columns: TableColumns; row: Row } | undefined;
  step.attempt(place, () => {
    const columns = resolve();
    if (columns.box && !columns.unit) throw unclear('Boxes may be in pixels or shares of the picture.');
    const row: Row = (field) => {
      const name = columns.names.get(field);
      return name === undefined ? undefined : fieldOf(value, name);
    };
    const image = imageOfRow(row, columns, place.file);
    found = { key: image.key, columns, row };
    return { ...image, ...(columns.unit && { unit: columns.unit }) };
  });
  if (found === undefined) return;
  const { key, columns, row } = found;
  step.attempt(place, () => {
    const annotations = annotationsOfRow(row, columns);
    return annotations.length === 0 ? undefined : { key, annotations, ...(columns.unit && { unit: columns.unit }) };
  });
  for (const name of ['objects', 'annotations'] as const) {
    const list = fieldOf(value, name);
    if (isBlank(list)) continue;
    if (!Array.isArray(list)) {
      step.attempt(place, () => {
        throw new InvalidValue('malformed', `\`${name}\` is no list.`);
      });
      continue;
    }
    list.forEach((one: unknown, index) => {
      const read = () =>
        name === 'objects'
          ? objectOf(one, columns, unclear)
          : { annotations: [plimsollAnnotation(one)], unit: 'relative' as const };
      step.attempt(place, () => ({ key, ...read() }), `${name}[${index}]`);
    });
  }
}

/** @throws InvalidValue, and the error of `unclear` */
function objectOf(object: unknown, columns: TableColumns, unclear: Unclear): Pick<Piece, 'annotations' | 'unit'> {
  if (!isObject(object)) throw new InvalidValue('malformed', 'it is no object.');
  const label = textOf(fieldOf(object, 'label'), 'The class');
  const caption = textOf(fieldOf(object, 'caption'), 'The caption');
  const confidence = confidenceOf(fieldOf(object, 'confidence'));
  const ours = fieldOf(object, 'bounding_box');
  const box = isBlank(ours) ? fieldOf(object, 'bbox') : ours;
  const unit = isBlank(ours) || !columns.inferred ? columns.unit : 'relative';
  const said = {
    ...(label !== undefined && { label }),
    ...(caption !== undefined && { caption }),
    ...(confidence !== undefined && { confidence }),
  };
  if (isBlank(box)) {
    if (Object.keys(said).length === 0) throw new InvalidValue('malformed', 'it has no label, box or caption.');
    return { annotations: [said] };
  }
  if (unit === undefined) throw unclear('Boxes of `objects` may be in pixels or shares of the picture.');
  const bounding_box = checkPositions(listedBox(box), { unit, inferred: columns.inferred });
  return { annotations: [{ ...said, bounding_box }], unit };
}
