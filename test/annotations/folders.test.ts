import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folders } from '../../core/annotations/formats/folders.ts';
import { expectResumable, folderWith, readAll } from './format-files.ts';

it('takes the name of the folder below the root, or below a split, for the label', async () => {
  const folder = folderWith({
    'cat/a.jpg': '',
    'cat/deep/er/a.jpg': '',
    'dog 🐕/b.PNG': '',
    'Train/cat/a.jpg': '',
    'valid/__proto__/a.webp': '',
    'test/loose.jpg': '',
    'loose.jpg': '',
    'cat/notes.txt': '',
  });
  const { pieces, classes, invalid, bytes } = await readAll(folders, folder);
  expect(pieces.map(({ key, split, annotations }) => [key, split, annotations])).toEqual([
    ['Train/cat/a.jpg', 'train', [{ label: 'cat' }]],
    ['cat/a.jpg', undefined, [{ label: 'cat' }]],
    ['cat/deep/er/a.jpg', undefined, [{ label: 'cat' }]],
    ['dog 🐕/b.PNG', undefined, [{ label: 'dog 🐕' }]],
    ['loose.jpg', undefined, undefined],
    ['test/loose.jpg', 'test', undefined],
    ['valid/__proto__/a.webp', 'val', [{ label: '__proto__' }]],
  ]);
  expect(pieces[0]?.image).toEqual({ name: 'Train/cat/a.jpg', paths: [join(folder, 'Train/cat/a.jpg')] });
  expect(classes.map(({ name }) => name)).toEqual(['cat', 'cat', 'dog 🐕', '__proto__']);
  expect([invalid, bytes]).toEqual([[], 0]);
});

it('goes on behind each step', async () => {
  const contents: Record<string, string> = {};
  for (let index = 0; index < 2500; index++)
    contents[`${index % 2 ? 'train/' : ''}class ${index % 7}/${index}.jpg`] = '';
  expect((await expectResumable(folders, folderWith(contents))).length).toBeGreaterThanOrEqual(3);
});
