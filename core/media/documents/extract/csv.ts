import { type InfoRecord, parse } from 'csv-parse/sync';
import type { ExtractedDocument } from '../document.ts';
import { linesOf } from './lines.ts';

const DELIMITERS = [',', ';', '\t', '|'];

/** How much of a file is looked at to find its delimiter. */
const SAMPLE_LINES = 50;
const SAMPLE_CHARACTERS = 64 * 1024;

/** A column's name is short, and no number. */
const LONGEST_NAME = 100;
const NUMBER = /^[^\p{L}]*\d[^\p{L}]*$/u;

/**
 * A CSV as it is, with a record for each row that is not blank. Quoted cells may span lines, and rows may be ragged. The
 * first row is a header, and no record, if its cells look like names of columns.
 */
export function extractCsv(text: string): ExtractedDocument {
  const { header, records } = findRows(text, findDelimiter(text));
  return { format: 'csv', text, headings: [], records: header && records.length > 1 ? records.slice(1) : records };
}

/** The delimiter of the most lines that have it equally often. */
function findDelimiter(text: string): string {
  const sample = text.slice(0, SAMPLE_CHARACTERS);
  const lines = [...linesOf(sample)]
    .slice(0, SAMPLE_LINES)
    // Delimiters in quoted cells are none.
    .map(({ start, end }) => sample.slice(start, end).replaceAll(/"[^"]*"/g, ''));
  let best = { delimiter: ',', lines: 0, times: 0 };
  for (const delimiter of DELIMITERS) {
    const linesByTimes = new Map<number, number>();
    for (const line of lines) {
      const times = line.split(delimiter).length - 1;
      if (times > 0) linesByTimes.set(times, (linesByTimes.get(times) ?? 0) + 1);
    }
    for (const [times, count] of linesByTimes)
      if (count > best.lines || (count === best.lines && times > best.times)) best = { delimiter, lines: count, times };
  }
  return best.delimiter;
}

/** The place where rows begin, and whether the first one is a header. */
function findRows(text: string, delimiter: string): { header: boolean; records: number[] } {
  const bytes = Buffer.from(text);
  const records: number[] = [];
  let header = false;
  let endBytes = 0;
  let end = 0;

  function onRow(cells: string[], { bytes: rowEndBytes }: Pick<InfoRecord, 'bytes'>): null {
    const row = bytes.toString('utf8', endBytes, rowEndBytes);
    if (cells.some((cell) => cell.trim() !== '')) {
      if (records.length === 0) header = isHeader(cells);
      // Empty lines before it belong to no row.
      records.push(end + row.search(/[^\r\n]/));
    }
    endBytes = rowEndBytes;
    end += row.length;
    return null;
  }
  try {
    parse(bytes, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: onRow,
    });
  } catch {
    // A quote is never closed. Behind it, each line is a row.
    for (const line of linesOf(text.slice(end)))
      if (/\S/.test(text.slice(end + line.start, end + line.end))) records.push(end + line.start);
  }
  return { header, records };
}

function isHeader(cells: readonly string[]): boolean {
  const names = cells.map((cell) => cell.trim());
  return (
    new Set(names).size === names.length &&
    names.every((name) => name !== '' && name.length <= LONGEST_NAME && !NUMBER.test(name))
  );
}
