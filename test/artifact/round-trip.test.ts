import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ArtifactChunk } from '../../core/artifact/artifact-chunk.ts';
import { openArtifact } from '../../core/artifact/open-artifact.ts';
import { samplesOf, testFolder } from './samples.ts';
import { chunksOf, sentences, write } from './writing.ts';

const TEXTS = [
  'Plain words.',
  '',
  ' leading and trailing \n\t\r\n',
  'Emoji: 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇭, and combined: é ö.',
  '漢字とかなの文章です。句読点も、あります。',
  'مرحبا بالعالم שלום עולם \u202eoverride\u202c',
  'A lone surrogate: \ud83d, the other half: \udc4d, a mark: \ufeff, and \u0000 itself.',
  Array.from({ length: 255 }, (_, code) => String.fromCharCode(code + 1)).join(''),
  '{"text":"JSON in JSON","quotes":"\\""}',
];

/** Text that does not deflate well. */
function incompressible(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(33 + (state % 90));
  }).join('');
}

async function readAll(path: string): Promise<ArtifactChunk[]> {
  const artifact = await openArtifact(path);
  const chunks: ArtifactChunk[] = [];
  for await (const result of artifact.chunks()) {
    if ('damaged' in result) throw new Error(JSON.stringify(result.damaged));
    chunks.push(result.chunk);
  }
  artifact.close();
  return chunks;
}

it('gives every text back exactly', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const chunks = chunksOf(TEXTS);
  await write(target, chunks);
  expect(await readAll(target)).toEqual(chunks);
});

it('keeps headings, pages, records and the documents’ names', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const chunks: ArtifactChunk[] = [
    { n: 0, document: 'a.pdf', part: 0, headings: [], page: 3, start: 0, end: 3, text: 'one' },
    {
      n: 1,
      document: 'ünï/täble 表.csv',
      part: 4,
      headings: ['Ä', '', '表'],
      record: 17,
      start: 5,
      end: 8,
      text: 'two',
    },
    { n: 2, document: 'a.pdf', part: 1, headings: ['x'.repeat(3000)], page: 4, start: 3, end: 8, text: 'three' },
  ];
  const { manifest } = await write(target, chunks);
  expect(await readAll(target)).toEqual(chunks);
  expect(manifest).toMatchObject({ format: 1, dataset: 'notes', chunks: 3, documents: 2, runs: [[3, 1]] });
});

it('lets a large chunk span frames', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const chunks = chunksOf(['before', incompressible(50_000), 'after']);
  const { manifest, frames } = await write(target, chunks);
  const [, [, pieces] = [0, 0]] = manifest.runs;
  expect(manifest.runs).toEqual([
    [1, 1],
    [1, pieces],
    [1, 1],
  ]);
  expect(pieces).toBeGreaterThan(30);
  expect(frames).toBe(2 + 2 + pieces);
  const artifact = await openArtifact(target);
  expect(artifact.manifest).toEqual(manifest);
  expect(await artifact.chunk(2)).toEqual(chunks[2]);
  expect(await artifact.chunk(1)).toEqual(chunks[1]);
  expect(await artifact.verify()).toEqual({ frames, chunks: 3, readable: 3, damaged: [], intact: true });
  artifact.close();
});

it('reads chunks in any order, more than one segment of them', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const chunks = sentences(150);
  await write(target, chunks);
  const artifact = await openArtifact(target);
  expect(artifact.count).toBe(150);
  const wanted = [149, 0, 64, 63, 64];
  const read: number[] = [];
  for await (const result of artifact.chunks(wanted)) {
    expect(result).toEqual({ n: result.n, chunk: chunks[result.n] });
    read.push(result.n);
  }
  expect(read).toEqual(wanted);
  for (const wrong of [150, -1, 1.5]) {
    await expect(artifact.chunk(wrong)).rejects.toMatchObject({ code: 'ChunkNotFound' });
  }
  // Before it reads any.
  await expect(artifact.chunks([0, 150]).next()).rejects.toThrow('has no chunk 150: it has 150 chunks');
  artifact.close();
});

it('holds no chunk at all, too', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  await write(target, []);
  const artifact = await openArtifact(target);
  expect(artifact.manifest).toMatchObject({ chunks: 0, documents: 0, runs: [] });
  expect(await artifact.verify()).toEqual({ frames: 2, chunks: 0, readable: 0, damaged: [], intact: true });
  artifact.close();
});

it('is the same file for the same chunks and time, by any number of processes, with nothing beside it', async () => {
  const folder = await testFolder();
  const chunks = sentences(130);
  await write(join(folder, 'one.mp4'), chunks, { processes: 1 });
  await write(join(folder, 'two.mp4'), chunks, { processes: 3 });
  expect(await readFile(join(folder, 'one.mp4'))).toEqual(await readFile(join(folder, 'two.mp4')));
  expect(await readdir(folder)).toEqual(['one.mp4', 'two.mp4']);
});

it('is a video of key frames alone, of one size', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const { frames, bytes } = await write(target, chunksOf(['short', incompressible(1000)]));
  const samples = await samplesOf(target);
  expect(samples).toHaveLength(frames);
  expect(samples.every(({ isKey }) => isKey)).toBe(true);
  expect(await readFile(target)).toHaveLength(bytes);
});
