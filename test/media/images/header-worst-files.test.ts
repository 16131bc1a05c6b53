import { chmod, lstat, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { readHeaders } from '../../../core/media/images/header.ts';
import { makePictures } from '../../support/pictures.ts';
import { makeWorstFiles } from '../../support/worst-files.ts';

it('reads or refuses every file of the worst folder as it is written down', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'plimsoll-worst-'));
  try {
    const { files, unreadableFolder } = await makeWorstFiles(dir);
    await chmod(unreadableFolder, 0o700);
    const samples = files.filter((file) => file.expect !== 'ignored');
    const requests = await Promise.all(
      samples.map(async ({ path }) => ({ path, sizeBytes: (await lstat(path)).size })),
    );
    const outcomes = await readHeaders(requests);
    const seen = samples.map(({ name }, n) => ({ name, code: outcomes[n]?.error?.code }));
    expect(seen).toEqual(samples.map(({ name, code }) => ({ name, code })));

    for (const { name, path } of files.filter((file) => file.expect === 'embedding_failed')) {
      const bytes = await readFile(path);
      await expect(sharp(bytes).raw().toBuffer(), name).rejects.toThrow();
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('does not wait at a pipe', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'plimsoll-pipe-'));
  try {
    const { unreadableFolder } = await makeWorstFiles(dir);
    await chmod(unreadableFolder, 0o700);
    expect(await readHeaders([{ path: join(dir, 'pipe.jpg'), sizeBytes: 1 }])).toMatchObject([
      { error: { code: 'io_error' } },
    ]);
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('draws small pictures that are all different', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'plimsoll-pictures-'));
  try {
    const paths = await makePictures(dir, 1000, { perFolder: 100 });
    const contents = await Promise.all(paths.map((path) => readFile(path, 'base64')));
    expect(new Set(contents).size).toBe(1000);
    const pixels = await Promise.all(
      paths.slice(0, 256).map(async (path) => (await sharp(path).raw().toBuffer()).toString('base64')),
    );
    expect(new Set(pixels).size).toBe(256);
  } finally {
    await rm(dir, { recursive: true });
  }
});
