import type { Annotation, Box } from '../../../contract/annotation.ts';
import { InvalidValue, shown } from '../reading/invalid-value.ts';
import { folderOf, pathsOf } from '../reading/paths.ts';
import { splitNamed } from '../reading/splits.ts';
import { checkBox, confidenceOf, isBlank, numberOf, sizeOf, textOf, textsOf } from '../reading/values.ts';
import type { Piece } from './format.ts';
import type { TableColumns, TableField, Unit } from './table-columns.ts';

/** A row: the value of a field, a cell or any JSON. Undefined if it has none. */
export type Row = (field: TableField) => unknown;

/** Positions as the row has them. */
export interface Positions {
  unit: Unit;
  /** Nobody named the unit. */
  inferred: boolean;
}

/**
 * The image that a row is about. Its name is the key: rows with one name are about one image.
 *
 * @param path full path of the table
 * @throws InvalidValue malformed
 */
export function imageOfRow(
  row: Row,
  columns: TableColumns,
  path: string,
): Pick<Piece, 'key' | 'image' | 'split' | 'tags'> {
  const name = textOf(row('image'), 'The image');
  if (name === undefined) throw new InvalidValue('malformed', 'The row names no image.');
  const width = sizeOf(row('image_width'));
  const height = sizeOf(row('image_height'));
  const split = splitNameOf(row('split'));
  const tags = tagsOf(row('tags'));
  return {
    key: name,
    image: {
      name,
      paths: pathsOf(folderOf(path), name),
      ...(columns.isImageId && { anyExtension: true }),
      ...(width !== undefined && height !== undefined && { width, height }),
    },
    ...(split !== undefined && { split }),
    ...(tags.length > 0 && { tags }),
  };
}

/** A split. The usual names of one have one spelling. @throws InvalidValue malformed */
export function splitNameOf(value: unknown): string | undefined {
  const split = textOf(value, 'The split')?.trim();
  return split && (splitNamed(split) ?? split);
}

/** Tags of a list, or of a cell with semicolons or bars between them. @throws InvalidValue malformed */
export function tagsOf(value: unknown): string[] {
  const tags = textsOf(value, 'A tag').flatMap((tag) => (Array.isArray(value) ? [tag] : tag.split(/[;|]/)));
  return [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))];
}

/**
 * What a row says. A box, its class, its caption and its confidence are one annotation; without a box, each class and
 * each caption is one.
 *
 * @throws InvalidValue malformed, bad_geometry
 */
export function annotationsOfRow(row: Row, columns: TableColumns): Annotation[] {
  const labels = textsOf(row('label'), 'The class');
  const captions = textsOf(row('caption'), 'The caption');
  const confidence = confidenceOf(row('confidence'));
  const box = boxOfRow(row, columns);
  if (box === undefined)
    return [
      ...labels.map((label) => ({ label, ...(confidence !== undefined && { confidence }) })),
      ...captions.map((caption) => ({ caption })),
    ];
  if (labels.length > 1 || captions.length > 1)
    throw new InvalidValue('malformed', 'A box has several classes or captions.');
  return [
    {
      ...(labels[0] !== undefined && { label: labels[0] }),
      bounding_box: box,
      ...(captions[0] !== undefined && { caption: captions[0] }),
      ...(confidence !== undefined && { confidence }),
    },
  ];
}

/** Undefined if the row leaves its box out. */
function boxOfRow(row: Row, { box, unit, inferred }: TableColumns): Box | undefined {
  if (box === undefined || unit === undefined) return undefined;
  const positions = { unit, inferred };
  if (box === 'bbox') return isBlank(row('bbox')) ? undefined : checkPositions(listedBox(row('bbox')), positions);
  const fields =
    box === 'corners' ? (['xmin', 'ymin', 'xmax', 'ymax'] as const) : (['x', 'y', 'width', 'height'] as const);
  const values = fields.map(row);
  if (values.every(isBlank)) return undefined;
  const [a, b, c, d] = fields.map((field, index) => numberOf(values[index], field)) as Box;
  return checkPositions(box === 'corners' ? [a, b, c - a, d - b] : [a, b, c, d], positions);
}

/**
 * Left, top, width and height of a list, or of a cell such as `[10, 20, 30, 40]`.
 *
 * @throws InvalidValue malformed, bad_geometry
 */
export function listedBox(value: unknown): Box {
  const numbers =
    typeof value === 'string'
      ? value
          .trim()
          .replace(/^[[(]|[\])]$/g, '')
          .trim()
          .split(/[\s,;]+/)
      : value;
  if (!Array.isArray(numbers) || numbers.length !== 4)
    throw new InvalidValue('malformed', `The box is ${shown(value)}, and four numbers are needed.`);
  return numbers.map((number) => numberOf(number, 'A number of the box')) as Box;
}

/**
 * Refuses a box without area, and one that shows that the unit is wrong: twice as large as the picture, or pixels that
 * nobody named and that all lie in the first one.
 *
 * @throws InvalidValue bad_geometry
 */
export function checkPositions(box: Box, { unit, inferred }: Positions): Box {
  checkBox(box);
  const [x, y, width, height] = box;
  if (unit === 'relative' && box.some((value) => Math.abs(value) > 2))
    throw new InvalidValue('bad_geometry', `The box ${shown(box)} is no share of the picture. Are these pixels?`);
  if (unit === 'pixels' && inferred && x + width <= 1 && y + height <= 1)
    throw new InvalidValue('bad_geometry', `The box ${shown(box)} is in the first pixel. Is it relative?`);
  return box;
}
