import { expect, it } from 'vitest';
import { extractCsv } from '../../../core/media/documents/extract/csv.ts';

/** The text of each record, up to the next one. */
function recordsOf(text: string): string[] {
  const { records = [] } = extractCsv(text);
  return records.map((start, n) => text.slice(start, records[n + 1] ?? text.length));
}

it('has a record for each row below the header', () => {
  expect(recordsOf('name,tons\nAurora,1200\nBorealis,900\n')).toEqual(['Aurora,1200\n', 'Borealis,900\n']);
});

it('has a record for the first row, too, if it is no header', () => {
  for (const text of ['1,Aurora\n2,Borealis\n', 'a,a\nb,c\n', 'a,\nb,c\n', 'only,one row\n'])
    expect(recordsOf(text)[0]).toBe(text.split(/(?<=\n)/)[0]);
});

it('reads quoted cells over lines, with quotes and delimiters in them', () => {
  const rows = ['1,"a, ""b""\r\nc",2\r\n', '3,"d\n\ne",4\n', '日本,"é\n🚢",5\n', 'x,y,z'];
  expect(recordsOf(`n,words,m\r\n${rows.join('')}`)).toEqual(rows);
});

it('reads ragged rows, blank rows and any line end', () => {
  expect(recordsOf('a,b,c\n1\n\n2,3,4,5,6\r\n,,\n \n7,8\r9,"10"\n')).toEqual([
    '1\n\n',
    '2,3,4,5,6\r\n,,\n \n',
    '7,8\r',
    '9,"10"\n',
  ]);
});

it.each([
  ['semicolons', 'name;price\nA;"1;5"\nB;2,5\n', ['A;"1;5"\n', 'B;2,5\n']],
  ['tabs', 'name\ttext\nA\tx, y\nB\t"q\nr"\n', ['A\tx, y\n', 'B\t"q\nr"\n']],
  ['pipes', 'name|text\nA|x, y\nB|z\n', ['A|x, y\n', 'B|z\n']],
])('finds out that %s separate the cells', (_, text, rows) => {
  expect(recordsOf(text)).toEqual(rows);
});

it('takes each line for a row behind a quote that is never closed', () => {
  expect(recordsOf('a,b\n1,2\n"never closed,3\n4,5\n')).toEqual(['1,2\n', '"never closed,3\n', '4,5\n']);
});

it('takes quotes within a cell for what they are', () => {
  expect(recordsOf('a,b\n5" nails,1\n"x" y,2\n')).toEqual(['5" nails,1\n', '"x" y,2\n']);
});
