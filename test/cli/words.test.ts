import { describe, expect, it } from 'vitest';
import { failureOf } from '../../cli/failure.ts';
import { datasetNameOf } from '../../cli/starting/dataset-name.ts';
import { printable, printableLines } from '../../cli/terminal/printable.ts';
import { duration, perSecond } from '../../cli/terminal/quantities.ts';
import { loadDatasetInput } from '../../contract/inputs.ts';
import { LocalStackError } from '../../local/errors.ts';

describe('a dataset name made from a folder', () => {
  it.each([
    ['/data/photos', 'photos'],
    ['/data/My Photos (2024)/', 'my-photos-2024'],
    ['/data/Été à Paris', 'ete-a-paris'],
    ['/data/.hidden', 'hidden'],
    ['/data/写真', 'dataset'],
    ['/', 'dataset'],
    [`/data/${'x'.repeat(62)}--y`, 'x'.repeat(62)],
  ])('of %s is %s, and valid', (folder, name) => {
    expect(datasetNameOf(folder)).toBe(name);
    expect(loadDatasetInput.shape.dataset.safeParse(name).success).toBe(true);
  });
});

describe('printable text', () => {
  it('keeps letters, spaces and emoji of several parts', () => {
    const name = 'Grüße 写真 👩‍👩‍👧.jpg';
    expect(printable(name)).toBe(name);
  });

  it.each([
    ['a\nb', 'a\\nb'],
    ['a\r\tb', 'a\\r\\tb'],
    ['\u001b[2J', '\\e[2J'],
    ['\u009b31m', '\\x9b31m'],
    ['gpj.\u202eevil', 'gpj.\\u{202e}evil'],
    ['\ud800', '\\u{d800}'],
  ])('escapes %j', (text, escaped) => {
    expect(printable(text)).toBe(escaped);
  });

  it('keeps newlines where lines are meant', () => {
    expect(printableLines('one\ntwo\u0007')).toBe('one\ntwo\\x07');
  });
});

describe('quantities', () => {
  it.each([
    [0.04, '0.0s'],
    [1.26, '1.3s'],
    [9.96, '10s'],
    [75, '1m 15s'],
    [59.7, '1m'],
    [7384, '2h 3m'],
  ])('%d seconds are %s', (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });

  it('rates have a digit behind the point only where it says something', () => {
    expect([perSecond(38.24), perSecond(6249.6)]).toEqual(['38.2/s', '6,250/s']);
  });
});

describe('error codes', () => {
  it('are in PascalCase wherever they come from', () => {
    expect(failureOf(new LocalStackError('PortTaken', 'taken'))).toEqual({
      code: 'PortTaken',
      message: 'taken',
      exitCode: 1,
    });
  });
});
