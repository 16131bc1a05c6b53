import { expect, it } from 'vitest';
import { columns } from '../../cli/terminal/columns.ts';
import { plain } from './plain-paint.ts';

const HEADS = [{ title: 'JOB' }, { title: 'DATASET' }, { title: 'SOURCE' }, { title: 'WHAT' }];
const NAME = 'a-dataset-with-a-very-long-name-that-goes-on-to-the-63rd-letter';
const ROWS = [
  ['0199aaaa', NAME, '/data', 'indexed 12 files of which some were there before'],
  ['0199bbbb', 'short', '/data/photos/of/the/summer', 'nothing'],
];

it('cuts the longest names where a table is wider than the terminal, and no others', () => {
  const lines = columns(HEADS, ROWS, plain, 80);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  const text = lines.join('\n');
  expect(text).toContain(`${NAME.slice(0, 20)}`);
  expect(text).toContain('…  /data');
  expect(text).toContain('/data/photos/of/the/summer');
  expect(text).toContain('0199aaaa');
});

it('cuts nothing that fits, and nothing for a program', () => {
  expect(columns(HEADS, ROWS, plain, 180).join('\n')).toContain(NAME);
  expect(columns(HEADS, ROWS, plain).join('\n')).toContain(NAME);
});

it('cuts names to twenty letters at most, and no painted cell', () => {
  const painted = `\u001B[32m${'state '.repeat(6)}\u001B[39m`;
  const text = columns(HEADS, [[painted, NAME, NAME, 'what it did']], plain, 40).join('\n');
  expect(text).toContain(painted.trimEnd());
  expect(text.match(/a-dataset-with-a-ve…/g)).toHaveLength(2);
});
