import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walk } from '../../core/sources/folder/walk.ts';
import { createSelection } from '../../core/sources/selection.ts';
import type { ListingStep } from '../../core/sources/source.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-walk-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const selection = createSelection((name) => name.endsWith('.jpg'));
const ANYWHERE = { selection };

async function tree(name: string, files: string[]): Promise<string> {
  const root = join(folder, name);
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), file);
  }
  return root;
}

async function pathsOf(steps: AsyncGenerator<ListingStep>): Promise<string[]> {
  return (await Array.fromAsync(steps)).flatMap((step) => step.files.map((file) => file.path));
}

const byUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('walk', () => {
  const names = [
    'a.jpg',
    'a/x.jpg',
    'a/b/c/deep.jpg',
    'a-b/x.jpg',
    'a0.jpg',
    'ab.jpg',
    'Z.jpg',
    'é.jpg',
    'e\u0301.jpg',
    '\ue000 private.jpg',
    '\u{1f30a} wave.jpg',
    '\uffee.jpg',
    'empty/',
  ].filter((name) => !name.endsWith('/'));

  it('goes in the order of the paths’ UTF-8 bytes, which is that of the index', async () => {
    const root = await tree('order', names);
    const paths = await pathsOf(walk(root, ANYWHERE));

    expect(paths).toEqual(names.map((name) => join(root, name)).toSorted(byUtf8));
  });

  it('goes on behind any path, as if it had never stopped', async () => {
    const root = await tree('resume', names);
    const paths = await pathsOf(walk(root, ANYWHERE));

    for (const [i, path] of paths.entries())
      expect(await pathsOf(walk(root, ANYWHERE, path))).toEqual(paths.slice(i + 1));
  });

  it('goes on behind a path that is no longer there', async () => {
    const root = await tree('resume-gone', ['a/1.jpg', 'a/3.jpg', 'c.jpg']);

    expect(await pathsOf(walk(root, ANYWHERE, join(root, 'a/2.jpg')))).toEqual([
      join(root, 'a/3.jpg'),
      join(root, 'c.jpg'),
    ]);
    expect(await pathsOf(walk(root, ANYWHERE, join(root, 'b/2.jpg')))).toEqual([join(root, 'c.jpg')]);
  });

  it('follows links, each once on its way down', async () => {
    const root = await tree('links', ['a/1.jpg']);
    await symlink('..', join(root, 'a/up'));
    await symlink('a', join(root, 'b'));

    expect(await pathsOf(walk(root, ANYWHERE))).toEqual(['a/1.jpg', 'b/1.jpg'].map((name) => join(root, name)));
  });

  it('changes a file’s fingerprint with its size and with its time', async () => {
    const root = await tree('fingerprint', ['1.jpg']);
    const fingerprint = async () => (await Array.fromAsync(walk(root, ANYWHERE)))[0]?.files[0]?.fingerprint;
    const before = await fingerprint();

    await writeFile(join(root, '1.jpg'), 'longer than before');
    expect(await fingerprint()).not.toBe(before);
  });

  it('throws when the root can not be read', async () => {
    await expect(pathsOf(walk(join(folder, 'nowhere'), ANYWHERE))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  // Root may read everything, so the walk is made by a process of another user.
  it.runIf(process.getuid?.() === 0)('reports a subfolder that it may not read, and goes on', async () => {
    const root = await tree('locked', ['a.jpg', 'locked/b.jpg', 'z.jpg']);
    const { chmodSync } = await import('node:fs');
    for (const path of [folder, root]) chmodSync(path, 0o755);
    chmodSync(join(root, 'locked'), 0);
    const script = `
      import { createSelection } from ${JSON.stringify(join(import.meta.dirname, '../../core/sources/selection.ts'))};
      import { walk } from ${JSON.stringify(join(import.meta.dirname, '../../core/sources/folder/walk.ts'))};
      const selection = createSelection((name) => name.endsWith('.jpg'));
      const steps = await Array.fromAsync(walk(${JSON.stringify(root)}, { selection }));
      console.log(JSON.stringify({ files: steps.flatMap((s) => s.files.map((f) => f.path)), unreadable: steps.flatMap((s) => s.unreadable) }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      uid: 65534,
      gid: 65534,
      cwd: '/',
      encoding: 'utf8',
    });

    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      files: [join(root, 'a.jpg'), join(root, 'z.jpg')],
      unreadable: [join(root, 'locked')],
    });
  });
});
