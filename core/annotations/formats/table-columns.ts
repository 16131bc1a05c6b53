import { UserError } from '../../errors.ts';
import { type InvalidValue, shown } from '../reading/invalid-value.ts';

/** What a column may hold. */
export const TABLE_FIELDS = [
  'image',
  'label',
  'caption',
  'x',
  'y',
  'width',
  'height',
  'xmin',
  'ymin',
  'xmax',
  'ymax',
  'bbox',
  'confidence',
  'split',
  'tags',
  'image_width',
  'image_height',
] as const;
export type TableField = (typeof TABLE_FIELDS)[number];

export type Unit = 'pixels' | 'relative';

/** Names that columns commonly have, in any case, the likeliest first. */
const KNOWN_NAMES: Partial<Record<TableField, readonly string[]>> = {
  image: ['file_name', 'filename', 'filepath', 'image_path', 'path', 'image', 'imageid', 'image_id'],
  label: ['class_name', 'labelname', 'label', 'class', 'category'],
  caption: ['caption'],
  x: ['x'],
  y: ['y'],
  width: ['w', 'width'],
  height: ['h', 'height'],
  xmin: ['xmin', 'x_min', 'x1'],
  ymin: ['ymin', 'y_min', 'y1'],
  xmax: ['xmax', 'x_max', 'x2'],
  ymax: ['ymax', 'y_max', 'y2'],
  bbox: ['bbox', 'bounding_box'],
  confidence: ['confidence'],
  split: ['split', 'set', 'subset'],
  tags: ['tags'],
  image_width: ['image_width', 'img_width'],
  image_height: ['image_height', 'img_height'],
};

const CORNERS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;
const SIDES = ['x', 'y', 'width', 'height'] as const;

/** What the columns of a table mean. */
export interface TableColumns {
  /** The name of each field's column. */
  names: ReadonlyMap<TableField, string>;
  /** Images are named by their IDs, without an extension, as in Open Images. */
  isImageId: boolean;
  /** How a row gives a box: two corners; left, top, width and height; or a list of these four. */
  box?: 'corners' | 'sides' | 'bbox';
  /** What positions count. Undefined if nothing tells. */
  unit?: Unit;
  /** The unit follows from the columns, and nobody named it. */
  inferred: boolean;
}

/** Makes what is thrown for columns whose meaning is unclear: it is so in the whole table, or in one line. */
export type Unclear = (why: string) => UserError | InvalidValue;

/** The columns of a table do not tell what they mean. */
export function unclearColumns(path: string, why: string, columns: readonly string[]): UserError {
  const names = columns.slice(0, 50).map((name) => shown(name));
  const found = `${names.join(', ')}${columns.length > names.length ? ', …' : ''}`;
  return new UserError(
    'AnnotationsUnclear',
    `${path}: ${why} It has the columns ${found}. Name what they mean: --columns image=NAME,label=NAME,… ` +
      `with ${TABLE_FIELDS.join(', ')}, and unit=pixels or unit=relative.`,
  );
}

/** Refuses fields and units that there are none of. @throws UserError AnnotationsUnclear */
export function checkMapping(path: string, mapping: Readonly<Record<string, string>>): void {
  for (const field of Object.keys(mapping))
    if (field !== 'unit' && !TABLE_FIELDS.some((known) => known === field))
      throw new UserError(
        'AnnotationsUnclear',
        `${path}: a column can not be mapped to ${shown(field)}. Fields are ${TABLE_FIELDS.join(', ')}, unit.`,
      );
  const unit = mapped(mapping, 'unit');
  if (unit !== undefined && unit !== 'pixels' && unit !== 'relative')
    throw new UserError('AnnotationsUnclear', `${path}: the unit ${shown(unit)} is neither "pixels" nor "relative".`);
}

const mapped = (mapping: Readonly<Record<string, string>>, field: string) =>
  Object.hasOwn(mapping, field) ? mapping[field] : undefined;

/**
 * Finds out what columns mean: those that are mapped, then those with well-known names. Values are never looked at,
 * since small boxes in pixels and relative ones look alike. The unit of boxes is
 * 1. the one that is named,
 * 2. relative for the columns of Open Images (`ImageID`, `XMin`, …),
 * 3. relative for `bounding_box`, which is Plimsoll's and FiftyOne's name of a relative box,
 * 4. pixels if columns state the size of the picture, as TensorFlow's do (`filename,width,height,class,xmin,…`),
 * 5. unknown.
 *
 * `width` and `height` are the picture's unless `x` and `y` make a box of them. `bbox` is left, top, width, height, as
 * in COCO.
 *
 * @param unclear makes the error of columns whose meaning is unclear
 */
export function resolveColumns(
  columns: readonly string[],
  mapping: Readonly<Record<string, string>>,
  unclear: Unclear,
): TableColumns {
  const names = new Map<TableField, string>();
  const taken = new Set(TABLE_FIELDS.map((field) => mapped(mapping, field)));

  function find(field: TableField): string | undefined {
    const named = mapped(mapping, field);
    if (named !== undefined) return columns.includes(named) ? named : undefined;
    const free = columns.filter((name) => !taken.has(name));
    const found = (KNOWN_NAMES[field] ?? [])
      .map((known) => free.filter((name) => name.toLowerCase() === known))
      .filter((same) => same.length > 0);
    const rivals = field === 'label' ? found.flat() : (found[0] ?? []);
    // A number of the class often stands beside its name.
    const spelledOut = rivals.filter((name) => /name$/i.test(name));
    const best = spelledOut.length === 1 ? spelledOut : rivals;
    if (best.length > 1) throw unclear(`The columns ${best.map(shown).join(' and ')} may both hold the ${field}.`);
    return best[0];
  }
  function take(fields: readonly TableField[]): number {
    for (const field of fields) {
      const name = find(field);
      if (name === undefined) continue;
      if (columns.indexOf(name) !== columns.lastIndexOf(name))
        throw unclear(`Two columns have the name ${shown(name)}.`);
      names.set(field, name);
    }
    return fields.filter((field) => names.has(field)).length;
  }

  take(['image', 'label', 'caption', 'confidence', 'split', 'tags', 'image_width', 'image_height']);
  const box = takeBox(take, names);
  if (box === undefined && [...CORNERS, 'x' as const, 'y' as const].some((field) => names.has(field)))
    throw unclear('Its columns give a part of a box.');
  if (box !== 'sides') {
    for (const [field, known] of [
      ['image_width', 'width'],
      ['image_height', 'height'],
    ] as const) {
      const named = columns.filter((name) => name.toLowerCase() === known && !taken.has(name));
      if (!names.has(field) && named.length === 1 && named[0] !== undefined) names.set(field, named[0]);
    }
  }
  return { names, isImageId: names.get('image') === 'ImageID', ...(box && { box }), ...unitOf(names, mapping) };
}

function takeBox(take: (fields: readonly TableField[]) => number, names: Map<TableField, string>): TableColumns['box'] {
  if (take(CORNERS) === CORNERS.length) return 'corners';
  if (take(['x', 'y']) === 2 && take(SIDES) === SIDES.length) return 'sides';
  if (take(['bbox']) === 1) {
    for (const field of [...CORNERS, ...SIDES]) names.delete(field);
    return 'bbox';
  }
  return undefined;
}

function unitOf(
  names: ReadonlyMap<TableField, string>,
  mapping: Readonly<Record<string, string>>,
): Pick<TableColumns, 'unit' | 'inferred'> {
  const named = mapped(mapping, 'unit');
  if (named === 'pixels' || named === 'relative') return { unit: named, inferred: false };
  if (names.get('image') === 'ImageID' && names.get('xmin') === 'XMin') return { unit: 'relative', inferred: true };
  if (names.get('bbox') === 'bounding_box') return { unit: 'relative', inferred: true };
  if (names.has('image_width') && names.has('image_height')) return { unit: 'pixels', inferred: true };
  return { inferred: true };
}
