import { describe, expect, it } from 'vitest';
import { comparatorFor, comparePaths, fileNameOf } from '../../core/sources/file-names.ts';

describe('the name of a file as text', () => {
  it('is itself where it is valid UTF-8, backslashes too', () => {
    for (const name of ['', 'a.jpg', 'é\\ü.png', '日本.gif', '😀.bmp'])
      expect(fileNameOf(Buffer.from(name))).toEqual({ text: name });
  });

  it.each([
    [[0xff], '\\xff'],
    [[0x61, 0x05, 0xff, 0x62], 'a\u0005\\xffb'],
    [[0xe9, 0x2e, 0x6a], '\\xe9.j'],
    // The beginning of a character of two, three and four bytes.
    [[0xc3], '\\xc3'],
    [[0xe6, 0x97], '\\xe6\\x97'],
    [[0xf0, 0x9f, 0x98, 0x62], '\\xf0\\x9f\\x98b'],
    // A surrogate, and an encoding that is longer than it need be.
    [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
    [[0xc0, 0x80], '\\xc0\\x80'],
  ])('%j becomes %s', (numbers, text) => {
    const bytes = Buffer.from(numbers);
    expect(fileNameOf(bytes)).toEqual({ text, bytes });
  });

  it('keeps the characters beside bad bytes, and doubles backslashes', () => {
    const bytes = Buffer.concat([Buffer.from('é日😀\\'), Buffer.of(0x80), Buffer.from('é日😀')]);
    expect(fileNameOf(bytes).text).toBe('é日😀\\\\\\x80é日😀');
  });

  it('differs for names that differ', () => {
    expect(fileNameOf(Buffer.from('\\xff')).text).not.toBe(fileNameOf(Buffer.from('\\xff\xff', 'latin1')).text);
    const escaped = fileNameOf(Buffer.concat([Buffer.from('\\xff'), Buffer.of(0xff)])).text;
    expect(escaped).toBe('\\\\xff\\xff');
  });
});

describe('the order of paths', () => {
  // U+FFFD goes before U+1F600 in UTF-8, and behind it in UTF-16.
  const [replacement, face] = ['\ufffd', '😀'];

  it('is that of their UTF-8 bytes', () => {
    expect(comparePaths('a', 'b')).toBeLessThan(0);
    expect(comparePaths('b', 'a')).toBeGreaterThan(0);
    expect(comparePaths('a', 'a')).toBe(0);
    expect(comparePaths('a', 'aa')).toBeLessThan(0);
    expect(comparePaths(replacement, face)).toBeLessThan(0);
    expect(comparePaths(face, replacement)).toBeGreaterThan(0);
    expect(comparePaths(face, face)).toBe(0);
  });

  it('needs a comparison of its own only with surrogates', () => {
    expect(comparatorFor([])).toBeUndefined();
    expect(comparatorFor(['a', replacement])).toBeUndefined();
    const names = [face, replacement, 'a'];
    expect(names.toSorted(comparatorFor(names))).toEqual(['a', replacement, face]);
  });
});
