import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CommandBench, createCommandBench } from './command-bench.ts';

let bench: CommandBench;
let folder: string;
let video: string;
let index: string;

const TEXTS = {
  'sea.md': '# Sea\n\n## Storm\n\nReefing keeps a yacht upright in a gale.\n\n## Calm\n\nThe crew paints the hull.\n',
  'bread.md': '# Bread\n\nA sourdough starter ferments overnight.\n',
};

beforeAll(async () => {
  bench = await createCommandBench();
  folder = join(bench.folder, 'handbook');
  video = join(bench.folder, 'handbook.mp4');
  index = join(bench.folder, 'handbook.json');
  await mkdir(folder);
  for (const [name, text] of Object.entries(TEXTS)) await writeFile(join(folder, name), text);
  await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding')]);
});
afterAll(() => bench?.stop());

const json = async (...args: string[]) => JSON.parse((await bench.run(...args, '--json')).stdout);

it('writes a video, prints the job, and makes the index in the background', async () => {
  const { code, stdout, stderr } = await bench.run('encode', folder, '--output', video, '--index', index);
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`artifact: 3 chunks in ${video}`),
  });
  const job = stdout.trim();
  expect(job).toMatch(/^[0-9a-f-]{36}$/);
  expect((await bench.run('decode', video, '--verify')).code).toBe(0);

  expect((await bench.run('wait', job)).code).toBe(0);
  expect(await json('status', job)).toMatchObject({ artifact: { state: 'completed', chunks: 3, index_path: index } });
  expect((await bench.run('decode', video, '--chunk', '1')).stdout).toContain('## Storm');
});

it('is searched by words and vectors, from the two files alone', async () => {
  const found = await json('search', video, 'how does reefing keep yachts upright?');
  expect(found).toMatchObject({
    mode: 'hybrid',
    model_key: expect.stringMatching(/^hashed-words@/),
    hits: [{ filepath: 'sea.md', ranks: { vector: 1, words: 1 }, passage: { headings: ['Sea', 'Storm'] } }, {}, {}],
  });
  const { text, marks } = found.hits[0].passage;
  expect(marks.map(([from, to]: [number, number]) => text.slice(from, to))).toEqual([
    'Reefing',
    'keeps',
    'yacht',
    'upright',
  ]);

  const table = await bench.run('search', video, 'sourdough', '--limit', '1');
  expect(table.stdout).toMatch(/^bread\.md · Bread/);
});

it('is searched for words without its index', async () => {
  const alone = join(bench.folder, 'alone.mp4');
  await copyFile(video, alone);
  const found = await bench.run('search', alone, 'sourdough');
  expect(found).toMatchObject({ code: 0, stderr: expect.stringContaining('there is no index') });
  expect(found.stdout).toContain('bread.md');
  const refused = await bench.run('search', alone, 'sourdough', '--mode', 'vector');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('has no index') });
});

it('refuses an index of another video, and a file that is none', async () => {
  const other = join(bench.folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'a.txt'), 'Something else.');
  await bench.run('encode', other, '--output', join(bench.folder, 'other.mp4'), '--no-index', '--wait');
  const mixed = await bench.run('search', join(bench.folder, 'other.mp4'), 'else', '--index', index);
  expect(mixed).toMatchObject({ code: 1, stderr: expect.stringMatching(/IndexOfAnother|index of another artifact/) });

  await writeFile(join(bench.folder, 'no-index.json'), '{"format": 1}');
  const broken = await bench.run('search', video, 'else', '--index', join(bench.folder, 'no-index.json'));
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('is no index of an artifact') });
  await rm(join(bench.folder, 'no-index.json'));
});

it('leaves files alone that are no artifact and no index', async () => {
  const precious = join(bench.folder, 'precious.json');
  await writeFile(precious, '{"precious": true}');
  const refused = await bench.run('encode', folder, '--output', video, '--index', precious, '--wait');
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('is no index of an artifact') });
  expect(await readFile(precious, 'utf8')).toBe('{"precious": true}');
});

it.each(['--tag', '--any-tag', '--label', '--below', '--cursor'])(
  'refuses what a video knows nothing of: %s',
  async (flag) => {
    expect(await bench.run('search', video, 'sea', flag, 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${flag} is for datasets`),
    });
  },
);

it.each([
  [['--no-index', '--background-index'], 'makes nothing in the background'],
  [[], '--output'],
])('refuses %j', async (args, message) => {
  const output = args.length > 0 ? ['--output', video] : [];
  expect(await bench.run('encode', folder, ...output, ...args)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message as string),
  });
});

it('is done by a program with plimsoll/client, which shows how the index gets on', async () => {
  const example = await readFile(join(import.meta.dirname, '../../examples/documents/encode.ts'), 'utf8');
  const client = join(import.meta.dirname, '../../client/index.ts');
  const program = join(bench.folder, 'encode.ts');
  await writeFile(program, example.replace("'plimsoll/client'", JSON.stringify(client)));
  const copy = join(bench.folder, 'by-program');
  const written = join(bench.folder, 'by-program.mp4');
  await cp(folder, copy, { recursive: true });
  const { stdout } = await promisify(execFile)(process.execPath, [program, copy, written], { env: bench.env });
  expect(stdout).toMatch(/^job [0-9a-f-]{36}\n/);
  expect(stdout).toMatch(/^completed: video 3 of 3 chunks, index 100 %$/m);
  expect((await bench.run('search', written, 'sourdough')).stdout).toContain('bread.md');
});
