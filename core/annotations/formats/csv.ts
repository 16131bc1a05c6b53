import { csvRecords, readCsvHeader, type TextPosition } from '../reading/csv-records.ts';
import { createStepBuilder } from '../reading/steps.ts';
import type { AnnotationFormat, ReadRequest, ReadStep } from './format.ts';
import { checkMapping, resolveColumns, type TableColumns, type TableField, unclearColumns } from './table-columns.ts';
import { annotationsOfRow, imageOfRow } from './table-row.ts';

/**
 * A CSV file with a header: a row for each object or each statement about an image. What columns mean is in
 * table-columns.ts. Columns that mean nothing are left out.
 */
export const csv: AnnotationFormat = { name: 'csv', read };

/** @throws UserError AnnotationsUnclear, AnnotationsBroken */
async function* read({ path, files, columns: mapping = {}, from }: ReadRequest): AsyncGenerator<ReadStep> {
  checkMapping(path, mapping);
  const { names, delimiter, next } = await readCsvHeader(files, { path });
  const columns = columnsOf(path, names, mapping);
  const cellOf = new Map<TableField, number>();
  for (const [field, name] of columns.names) cellOf.set(field, names.indexOf(name));

  const step = createStepBuilder();
  let position = (from as TextPosition | undefined) ?? next;
  for await (const record of csvRecords(files, { path }, delimiter, position)) {
    const { cells, line } = record;
    position = record.next;
    step.count(record.bytes);
    const problem = record.problem ?? raggedness(cells, names.length);
    if (problem !== undefined) step.addInvalid({ ...problem, file: path, line });
    else
      step.attempt({ file: path, line }, () => {
        const row = (field: TableField) => cells[cellOf.get(field) ?? -1];
        const image = imageOfRow(row, columns, path);
        const annotations = annotationsOfRow(row, columns);
        return { ...image, annotations, ...(columns.unit && { unit: columns.unit }) };
      });
    if (step.isFull) yield step.take(position);
  }
  if (!step.isEmpty) yield step.take(position);
}

function columnsOf(path: string, names: readonly string[], mapping: Readonly<Record<string, string>>): TableColumns {
  const unclear = (why: string) => unclearColumns(path, why, names);
  for (const [field, name] of Object.entries(mapping))
    if (field !== 'unit' && !names.includes(name)) throw unclear(`It has no column ${JSON.stringify(name)}.`);
  const columns = resolveColumns(names, mapping, unclear);
  if (!columns.names.has('image')) throw unclear('No column is known to name the image.');
  if (columns.box && !columns.unit) throw unclear('Boxes may be in pixels or shares of the picture.');
  if (!columns.box && !(['label', 'caption', 'split', 'tags'] as const).some((field) => columns.names.has(field)))
    throw unclear('No column is known to say anything of an image.');
  return columns;
}

/** Rows may end in delimiters that the header has not. */
export function raggedness(cells: readonly string[], columns: number) {
  if (cells.length === columns || (cells.length > columns && cells.slice(columns).every((cell) => cell.trim() === '')))
    return undefined;
  return { reason: 'malformed' as const, message: `The row has ${cells.length} cells, and the header ${columns}.` };
}
