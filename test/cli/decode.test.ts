import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sentences, write } from '../artifact/writing.ts';
import { runCommand, startCommand } from './command-bench.ts';

const CHUNKS = sentences(20);
const textAt = (n: number) => CHUNKS[n]?.text;

let folder: string;
let file: string;
let cut: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-decode-'));
  file = join(folder, 'memory.mp4');
  cut = join(folder, 'cut.mp4');
  await write(file, CHUNKS);
  const { bytes } = await write(cut, CHUNKS);
  // Cuts the manifest at the end, and the last chunks.
  await truncate(cut, bytes - 1500);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('decode', () => {
  it('prints the text of all chunks, in a folder without servers', async () => {
    const { code, stdout, stderr } = await startCommand(['decode', 'memory.mp4'], { cwd: folder }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(CHUNKS.map(({ text }) => `${text}\n`).join('\n'));
  });

  it('prints the chunks that were asked for', async () => {
    const { code, stdout } = await runCommand(['decode', file, '--chunk', '7', '--chunk', '0']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${textAt(7)}\n\n${textAt(0)}\n` });
  });

  it('prints one JSON document, with everything about a chunk', async () => {
    const { code, stdout } = await runCommand(['decode', file, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      manifest: expect.objectContaining({ dataset: 'notes', chunks: 20, documents: 1 }),
      chunks: CHUNKS,
      damaged: [],
    });
  });

  it('names damaged frames, prints the others, and exits with 1', async () => {
    const people = await runCommand(['decode', cut]);
    expect(people.code).toBe(1);
    expect(people.stdout).toContain(`${textAt(10)}\n`);
    expect(people.stderr).toMatch(/^frames \d+ to 20 \(chunks \d+ to 19\): the file ends before it\n$/);
    const { code, stdout } = await runCommand(['decode', cut, '--json']);
    expect(code).toBe(1);
    const { chunks, damaged } = JSON.parse(stdout);
    expect(chunks).toEqual(CHUNKS.slice(0, chunks.length));
    expect(damaged).toHaveLength(20 - chunks.length);
    expect(damaged.at(-1)).toEqual({ frame: 20, chunk: 19, reason: 'the file ends before it' });
  });

  it('exits with 3 for a chunk that is not there, and prints none', async () => {
    const { code, stdout } = await runCommand(['decode', file, '--chunk', '0', '--chunk', '20', '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'ChunkNotFound', message: expect.stringContaining('has no chunk 20: it has 20 chunks') },
    });
  });

  it('exits with 1 for a file that is no artifact', async () => {
    const text = join(folder, 'notes.txt');
    await writeFile(text, 'only text '.repeat(500));
    const { code, stdout, stderr } = await runCommand(['decode', text]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('it is not a video');
  });
});

describe('decode --verify', () => {
  it('exits with 0 if every frame is whole', async () => {
    const { code, stdout } = await runCommand(['decode', file, '--verify']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Intact: 20 chunks in 22 frames.\n' });
  });

  it('exits with 1 and names what is damaged', async () => {
    const { code, stdout } = await runCommand(['decode', cut, '--verify']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^frames \d+ to 20 \(chunks \d+ to 19\): the file ends before it\nframe 21: the file .*\nDamaged: \d+ chunks of 20 can be read\.\n$/,
    );
    const json = JSON.parse((await runCommand(['decode', cut, '--verify', '--json'])).stdout);
    expect(json).toMatchObject({ manifest: { chunks: 20 }, frames: 22, chunks: 20, intact: false });
    expect(json.damaged).toHaveLength(20 - json.readable + 1);
  });
});
