import { describe, expect, it } from 'vitest';
import { createSelection, type SelectionRules } from '../../core/sources/selection.ts';

const accepts = (name: string) => name.endsWith('.jpg');

/** Those of some files that a listing takes. */
const taken = (files: string[], rules: SelectionRules = {}) => {
  const selection = createSelection(accepts, rules);
  return files.filter((file) => selection.covers(file) && selection.verdictOn(file) === 'taken');
};

describe('a selection without rules', () => {
  it.each([
    '._one.jpg',
    '__MACOSX/one.jpg',
    '@eaDir/one.jpg/SYNOPHOTO_THUMB_XL.jpg',
    'photos/#recycle/one.jpg',
    '.ipynb_checkpoints/one.jpg',
    '.Trash-1000/files/one.jpg',
    '.Trashes/501/one.jpg',
    '$RECYCLE.BIN/S-1-5/one.jpg',
    'System Volume Information/one.jpg',
    'lost+found/one.jpg',
    '.hidden.jpg',
    '.cache/one.jpg',
  ])('leaves out %s', (file) => {
    expect(taken([file])).toEqual([]);
  });

  it('takes what only looks similar', () => {
    const files = ['one.jpg', '_one.jpg', 'eaDir/one.jpg', 'recycle/one.jpg', 'a.b/c..d.jpg', '!(one).jpg'];
    expect(taken(files)).toEqual(files);
  });

  it('tells files that no medium reads from files that are left out', () => {
    const { verdictOn } = createSelection(accepts);
    expect([verdictOn('one.jpg'), verdictOn('.one.jpg'), verdictOn('.DS_Store')]).toEqual([
      'taken',
      'excluded',
      'ignored',
    ]);
  });
});

describe('hidden files', () => {
  it('are taken if asked for, but never what other programs keep', () => {
    const files = ['.one.jpg', '.secret/one.jpg', '._one.jpg', '.Trash-1000/one.jpg', '.ipynb_checkpoints/one.jpg'];
    expect(taken(files, { hidden: true })).toEqual(['.one.jpg', '.secret/one.jpg']);
  });
});

describe('patterns', () => {
  const FILES = ['a.jpg', 'b.JPG.jpg', 'raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg', 'photos/a small.jpg'];

  it.each<[string, string[]]>([
    ['a.jpg', ['a.jpg', 'raw/a.jpg', 'photos/raw/a.jpg']],
    ['/a.jpg', ['a.jpg']],
    ['*.JPG*', ['b.JPG.jpg']],
    ['*small.jpg', ['photos/a small.jpg']],
    ['raw', ['raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg']],
    ['/raw', ['raw/a.jpg', 'raw/deep/c.jpg']],
    ['raw/', ['raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg']],
    ['raw/*.jpg', ['raw/a.jpg']],
    ['raw/**', ['raw/a.jpg', 'raw/deep/c.jpg']],
    ['**/raw/*.jpg', ['raw/a.jpg', 'photos/raw/a.jpg']],
    ['{a,c}.jpg', ['a.jpg', 'raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg']],
    ['[bc]*', ['b.JPG.jpg', 'raw/deep/c.jpg']],
    ['?.jpg', ['a.jpg', 'raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg']],
    ['*/**', ['raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg', 'photos/a small.jpg']],
    ['photos/**/a.jpg', ['photos/raw/a.jpg']],
    ['**/**/deep', ['raw/deep/c.jpg']],
    ['[!a]*.jpg', ['b.JPG.jpg', 'raw/deep/c.jpg']],
    ['[^a-b]*', ['raw/a.jpg', 'raw/deep/c.jpg', 'photos/raw/a.jpg', 'photos/a small.jpg']],
    ['photos/{raw/*,a*}', ['photos/raw/a.jpg', 'photos/a small.jpg']],
    ['a.jpg/', []],
    ['none', []],
  ])('%s covers the same files for include and for exclude', (pattern, covered) => {
    expect(taken(FILES, { include: [pattern] })).toEqual(covered);
    expect(taken(FILES, { exclude: [pattern] })).toEqual(FILES.filter((file) => !covered.includes(file)));
  });

  it('are alternatives, and an exclude wins', () => {
    const rules = { include: ['raw', 'b*'], exclude: ['deep', 'photos'] };
    expect(taken(FILES, rules)).toEqual(['b.JPG.jpg', 'raw/a.jpg']);
  });

  it.each([
    ['* (1).jpg', 'a (1).jpg', 'a 1.jpg'],
    ['hot!*', 'hot!.jpg', 'hot.jpg'],
    ['a+b*', 'a+b.jpg', 'aab.jpg'],
    ['a|b*', 'a|b.jpg', 'a.jpg'],
    ['\\*.jpg', '*.jpg', 'a.jpg'],
    ['caf\\\\xe9*', 'caf\\xe9.jpg', 'cafxe9.jpg'],
    ['[[]*', '[a].jpg', 'a.jpg'],
    ['[]-]*', '].jpg', 'a.jpg'],
    ['[a*', '[a.jpg', 'a.jpg'],
    ['?.jpg', '😀.jpg', '😀😀.jpg'],
    ['[à-ü].jpg', 'é.jpg', 'e.jpg'],
  ])('%s covers %s and not %s', (pattern, covered, other) => {
    expect(taken([covered, other], { include: [pattern] })).toEqual([covered]);
  });

  it('take no longer than their lengths allow, whatever a stranger names a file', () => {
    const name = `${'a'.repeat(250)}.jpg`;
    expect(taken([name], { include: [`${'*a'.repeat(100)}b.jpg`, '(a+)+b.jpg'] })).toEqual([]);
    const deep = `${'a/'.repeat(500)}a.jpg`;
    expect(taken([deep], { exclude: [`${'**/a/'.repeat(100)}b`] })).toEqual([deep]);
  });

  it('with too many alternatives are refused', () => {
    expect(() => createSelection(accepts, { exclude: ['{1..1001}'] })).toThrow('more than 1,000 alternatives');
    expect(taken(['999.jpg', '0.jpg'], { include: ['{1..1000}.jpg'] })).toEqual(['999.jpg']);
  });
});
