import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isBelowRoots, openRootCheck } from '../../core/sources/folder/source-roots.ts';
import { walk } from '../../core/sources/folder/walk.ts';
import { createSelection } from '../../core/sources/selection.ts';

let folder: string;
let root: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-links-'));
  root = join(folder, 'root');
  for (const file of ['root/a.jpg', 'root/in/b.jpg', 'root-2/c.jpg', 'outside/d.jpg', 'outside/deeper/e.jpg']) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), file);
  }
  const links: [name: string, target: string][] = [
    ['file-out.jpg', '../outside/d.jpg'],
    ['file-in.jpg', 'in/b.jpg'],
    ['folder-out', '../outside'],
    ['folder-in', 'in'],
    ['sibling-of-the-same-start', join(folder, 'root-2')],
    ['above', '..'],
    ['through-out-and-back.jpg', '../outside/back.jpg'],
    ['../outside/back.jpg', '../root/a.jpg'],
    ['to-nothing-in.jpg', 'nowhere/at-all.jpg'],
    ['to-nothing-out.jpg', '../outside/nowhere.jpg'],
    ['to-a-link-to-nothing-out.jpg', 'to-nothing-out.jpg'],
    ['circle.jpg', 'circle.jpg'],
    ['no-image-out.txt', '../outside/d.jpg'],
    ['out-through-a-link.jpg', 'folder-out/d.jpg'],
  ];
  for (const [name, target] of links) await symlink(target, join(root, name));
  if (process.platform === 'linux')
    await symlink('../outside/d.jpg', Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x2e, 0x6a])]));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const selection = createSelection((name) => name.endsWith('.jpg'));
const OUTSIDE = [
  'above',
  'file-out.jpg',
  'folder-out',
  'no-image-out.txt',
  'out-through-a-link.jpg',
  'sibling-of-the-same-start',
  'to-a-link-to-nothing-out.jpg',
  'to-nothing-out.jpg',
  ...(process.platform === 'linux' ? ['\\xff.j'] : []),
];
const INSIDE = [
  'a.jpg',
  'circle.jpg',
  'file-in.jpg',
  'folder-in/b.jpg',
  'in/b.jpg',
  'through-out-and-back.jpg',
  'to-nothing-in.jpg',
];

async function walked(after?: string) {
  const allows = await openRootCheck([root]);
  const steps = await Array.fromAsync(walk(root, { selection, allows }, after));
  return {
    files: steps.flatMap(({ files }) => files.map(({ path }) => path.slice(root.length + 1))),
    outside: steps.flatMap(({ outside }) => outside.map((path) => path.slice(root.length + 1))).sort(),
  };
}

it('follows links within the roots, and none that leads out of them, whether there is anything or not', async () => {
  expect(await walked()).toEqual({ files: INSIDE, outside: OUTSIDE.toSorted() });
});

it('tells of each link once where it goes on behind a path', async () => {
  const { files, outside } = await walked(join(root, 'in/b.jpg'));
  expect(files).toEqual(['through-out-and-back.jpg', 'to-nothing-in.jpg']);
  expect(outside).toEqual(OUTSIDE.filter((name) => name > 'in/b.jpg').toSorted());
});

it('follows every link where there are no roots', async () => {
  const steps = await Array.fromAsync(walk(root, { selection }));
  const paths = steps.flatMap(({ files }) => files.map(({ path }) => path));
  expect(paths).toContain(join(root, 'folder-out/deeper/e.jpg'));
  expect(steps.flatMap(({ outside }) => outside)).toEqual([]);
});

it('enters no folder that became a link after its parent was read', async () => {
  const source = join(folder, 'swapped');
  await mkdir(join(source, 'sub'), { recursive: true });
  await writeFile(join(source, 'sub/inside.jpg'), '');
  const isAllowed = await openRootCheck([source]);
  // As the walk comes to the folder: it has been read as one, and is a link by now.
  const allows = async (path: Buffer) => {
    await rm(join(source, 'sub'), { recursive: true });
    await symlink('../outside', join(source, 'sub'));
    return isAllowed(path);
  };
  const steps = await Array.fromAsync(walk(source, { selection, allows }));
  expect(steps.flatMap(({ files }) => files)).toEqual([]);
  expect(steps.flatMap(({ outside }) => outside)).toEqual([join(source, 'sub')]);
});

it.each([
  ['root', true],
  ['root/in/b.jpg', true],
  ['root/not-yet/there', true],
  ['root/to-nothing-in.jpg', true],
  ['root/to-nothing-out.jpg', false],
  ['root/folder-out/d.jpg', false],
  ['root/folder-out/not-there', false],
  ['root-2', false],
  ['', false],
])('%j is below the roots: %s', async (path, is) => {
  expect(await isBelowRoots(join(folder, path), [root])).toBe(is);
});

it('has roots that are links, and knows of none that is nowhere', async () => {
  const link = join(folder, 'link-to-root');
  await symlink('root', link);
  expect(await isBelowRoots(join(root, 'a.jpg'), [join(folder, 'no-root'), link])).toBe(true);
  expect(await isBelowRoots(join(link, 'a.jpg'), [root])).toBe(true);
  expect(await isBelowRoots(join(root, 'a.jpg'), [])).toBe(false);
});
