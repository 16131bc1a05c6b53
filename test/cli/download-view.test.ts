import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDownloadView, downloadLine } from '../../cli/progress/download-view.ts';
import { byteSize } from '../../core/byte-size.ts';

const MB = 1e6;
const file = 'onnx/vision_model.onnx';

let written: string[];
const streamOf = (more: object) =>
  Object.assign(
    new Writable({
      write(text, _, done) {
        written.push(String(text));
        done();
      },
    }),
    more,
  ) as unknown as NodeJS.WriteStream;

beforeEach(() => {
  written = [];
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('counts rate and time by what was downloaded, without what an earlier fetch had left', () => {
  const progress = { file, received: 350 * MB, downloaded: 50 * MB, total: 600 * MB };
  expect(downloadLine(progress, 10)).toBe(`${file}: 350 MB of 600 MB, 5.0 MB/s, 50s left`);
});

it.each([
  ['nothing was downloaded', { received: 300 * MB, downloaded: 0 }, 60],
  ['it has just begun', { received: 300 * MB, downloaded: MB }, 0.5],
])('tells no rate as %s', (_, reached, seconds) => {
  expect(downloadLine({ file, total: 600 * MB, ...reached }, seconds)).toBe(`${file}: 300 MB of 600 MB`);
});

it('writes a line for each file to a log, and one every few seconds', () => {
  const view = createDownloadView(streamOf({}));
  for (const [name, received] of [
    ['a', 1],
    ['a', 2],
    ['b', 3],
  ] as const) {
    view.show({ file: name, received, downloaded: 0, total: 9 });
  }
  vi.advanceTimersByTime(4999);
  view.show({ file: 'b', received: 4, downloaded: 0, total: 9 });
  vi.advanceTimersByTime(1);
  view.show({ file: 'b', received: 5, downloaded: 0, total: 9 });
  view.note('a note');
  view.end();
  expect(written).toEqual(['a: 1 B of 9 B\n', 'b: 3 B of 9 B\n', 'b: 5 B of 9 B\n', 'a note\n']);
});

it('draws one line on a terminal, as wide as that, and leaves only notes', () => {
  const view = createDownloadView(streamOf({ columns: 20, rows: 24, isTTY: true }));
  view.show({ file, received: 1, downloaded: 0, total: 9 });
  expect(stripVTControlCharacters(written.join(''))).toBe(`${file.slice(0, 19)}\n`);
  written = [];
  vi.advanceTimersByTime(99);
  view.show({ file, received: 2, downloaded: 0, total: 9 });
  expect(written).toEqual([]);
  view.note('a note');
  view.end();
  expect(stripVTControlCharacters(written.join(''))).toBe('a note\n');
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9950, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [606_206_123, '606 MB'],
  [2_500_000_000, '2.5 GB'],
  [5e15, '5000 TB'],
])('%i bytes are %s', (bytes, words) => {
  expect(byteSize(bytes)).toBe(words);
});
