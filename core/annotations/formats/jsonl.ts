import type { Annotation } from '../annotation.ts';
import { InvalidValueError } from '../reading/invalid-value.ts';
import { jsonLines } from '../reading/json-lines.ts';
import type { TextPosition } from '../reading/csv-records.ts';
import { createStepBuilder } from '../reading/steps.ts';
import { confidenceOf, fieldOf, isBlank, isObject, textOf } from '../reading/values.ts';
import type { AnnotationFormat, Piece, ReadRequest, ReadStep } from './format.ts';
import { plimsollAnnotation } from './plimsoll-annotation.ts';
import { checkMapping, resolveColumns, type TableColumns, unclearColumns } from './table-columns.ts';
import { annotationsOfRow, checkPositions, imageOfRow, listedBox, type Positions } from './table-row.ts';

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

  function take(): ReadStep {
    const [missing] = unseen;
    if (first && missing !== undefined)
      throw unclearColumns(path, `No line near its beginning has a field ${JSON.stringify(missing)}.`, names);
    first = false;
    return step.take(position);
  }
  for await (const { value, problem, line, bytes, next } of jsonLines(files, path, position)) {
    position = next;
    step.count(bytes);
    if (problem !== undefined) step.addInvalid({ ...problem, file: path, line });
    if (value !== undefined) {
      const fields = Object.keys(value);
      if (first) {
        names = [...new Set([...names, ...fields])].slice(0, 1_000);
        for (const name of fields) unseen.delete(name);
      }
      const unclear = (why: string) =>
        first ? unclearColumns(path, why, fields) : new InvalidValueError('malformed', why);
      step.attempt({ file: path, line }, () => piecesOf(value, resolveColumns(fields, mapping, unclear), path, unclear));
    }
    if (step.isFull) yield take();
  }
  if (!step.isEmpty) yield take();
}

function piecesOf(
  value: Record<string, unknown>,
  columns: TableColumns,
  path: string,
  unclear: (why: string) => Error,
): Piece[] {
  if (!columns.names.has('image')) throw unclear('No field is known to name the image.');
  const row = (field: Parameters<typeof columns.names.get>[0]) => {
    const name = columns.names.get(field);
    return name === undefined ? undefined : fieldOf(value, name);
  };
  if (columns.box && !columns.unit) throw unclear('Boxes may be in pixels or shares of the picture.');
  const image = imageOfRow(row, path);
  const pieces: Piece[] = [
    { ...image, annotations: annotationsOfRow(row, columns), ...(columns.unit && { unit: columns.unit }) },
  ];
  const { key } = image;
  for (const { annotation, unit } of objectsOf(fieldOf(value, 'objects'), columns, unclear))
    pieces.push({ key, annotations: [annotation], unit });
  const own = fieldOf(value, 'annotations');
  if (isBlank(own)) return pieces;
  if (!Array.isArray(own)) throw new InvalidValueError('malformed', '`annotations` is no list.');
  pieces.push({ key, annotations: own.map(plimsollAnnotation), unit: 'relative' });
  return pieces;
}

function objectsOf(
  value: unknown,
  columns: TableColumns,
  unclear: (why: string) => Error,
): { annotation: Annotation; unit: 'pixels' | 'relative' }[] {
  if (isBlank(value)) return [];
  if (!Array.isArray(value)) throw new InvalidValueError('malformed', '`objects` is no list.');
  return value.map((object: unknown) => {
    if (!isObject(object)) throw new InvalidValueError('malformed', 'An entry of `objects` is no object.');
    const label = textOf(fieldOf(object, 'label'), 'The class');
    const caption = textOf(fieldOf(object, 'caption'), 'The caption');
    const confidence = confidenceOf(fieldOf(object, 'confidence'));
    const ours = fieldOf(object, 'bounding_box');
    const box = isBlank(ours) ? fieldOf(object, 'bbox') : ours;
    const unit = isBlank(ours) || !columns.inferred ? columns.unit : 'relative';
    const positions: Positions | undefined = unit && { unit, inferred: columns.inferred };
    if (!isBlank(box) && positions === undefined)
      throw unclear('Boxes of `objects` may be in pixels or shares of the picture.');
    return {
      annotation: {
        ...(label !== undefined && { label }),
        ...(!isBlank(box) && positions && { bounding_box: checkPositions(listedBox(box), positions) }),
        ...(caption !== undefined && { caption }),
        ...(confidence !== undefined && { confidence }),
      },
      unit: unit ?? 'relative',
    };
  });
}
