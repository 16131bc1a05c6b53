import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../cli/config/read-config.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { type CommandBench, createCommandBench } from './command-bench.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = await readFile(join(ROOT, 'docs/background-indexing.md'), 'utf8');

interface Example {
  heading: string;
  language: string;
  text: string;
}

/** The examples of the page, in order. */
const EXAMPLES = PAGE.split(/^## /m).flatMap((section): Example[] =>
  [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    heading: section.split('\n')[0] ?? '',
    language,
    text,
  })),
);

let bench: CommandBench;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  bench = await createCommandBench();
  // The page says "plimsoll", as people do.
  const bin = join(bench.folder, 'bin');
  await mkdir(bin);
  const command = `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'cli/plimsoll.ts')}" "$@"\n`;
  await writeFile(join(bin, 'plimsoll'), command, { mode: 0o755 });
  env = { ...bench.env, PATH: `${bin}:${process.env.PATH}` };
  await makePictures(join(bench.folder, 'photos'), 4);
  await writeFile(join(bench.folder, 'photos', 'z-broken.jpg'), 'not a picture');
  await mkdir(join(bench.folder, 'handbook'));
  await writeFile(join(bench.folder, 'handbook', 'jobs.md'), '# Jobs\n\nPaused jobs resume where they stopped.\n');
  await writeFile(join(bench.folder, 'handbook', 'tea.md'), '# Tea\n\nGreen tea is best at eighty degrees.\n');
  for (const [i, name] of ['datasets/products', 'data/cats', 'data/dogs', 'data/birds'].entries())
    await makePictures(join(bench.folder, name), 2, { first: 10 * (i + 1) });
  await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding')]);
});
afterAll(() => bench?.stop());

/** Runs a script as a person's shell, or the step of a pipeline, would. Returns what it printed; it has to end with 0. */
async function run(script: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: bench.folder, env: { ...env, ...more } });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  const [code] = await once(shell, 'close');
  expect({ code, output }).toMatchObject({ code: 0 });
  return output;
}

/** Runs the steps of a pipeline. A step's variables come from a file that the steps before it have written to. */
async function runSteps(yaml: string, matrix: Record<string, string>): Promise<string[]> {
  const file = join(bench.folder, 'github-env');
  await writeFile(file, '');
  const steps = [...yaml.matchAll(/^ {2}run: \|\n((?: {4}.*\n)+)/gm)].map(([, text = '']) =>
    text.replace(/^ {4}/gm, '').replace(/\$\{\{ matrix\.(\w+) \}\}/g, (whole, name: string) => matrix[name] ?? whole),
  );
  const outputs: string[] = [];
  for (const step of steps) {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    const given = Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
    outputs.push(await run(step, { ...given, GITHUB_ENV: file }));
  }
  return outputs;
}

const example = (heading: string, language: string, n = 0): string => {
  const found = EXAMPLES.filter((each) => each.heading === heading && each.language === language)[n];
  if (found === undefined) throw new Error(`The page has no such example: ${heading}, ${language}`);
  return found.text;
};

// The tests are in the order of the page, and each goes on from the ones before.
describe('docs/background-indexing.md', () => {
  it('has the examples that are run here, and no other', () => {
    expect(EXAMPLES.map(({ heading, language }) => `${heading}: ${language}`)).toEqual([
      'Load now, embed in the background: sh',
      'Load now, embed in the background: sh',
      'Load now, embed in the background: toml',
      'Documents, and their video: sh',
      'Monitor: sh',
      'In a pipeline: yaml',
      'Several datasets: sh',
      'Retry: sh',
      'Clean up: sh',
    ]);
  });

  it('loads a folder that can be browsed before it is embedded', async () => {
    const output = await run(example('Load now, embed in the background', 'sh'));
    expect(output).toContain('picture-000000.jpg');
  });

  it('leaves the second phase out, and does it later', async () => {
    await bench.run('wait', 'photos');
    const output = await run(example('Load now, embed in the background', 'sh', 1));
    expect(output).toMatch(/^SCORE +SEQ +PATH$/m);
  });

  it('has a file of configuration that is right', async () => {
    const path = join(bench.folder, 'example.toml');
    await writeFile(path, example('Load now, embed in the background', 'toml'));
    expect((await readConfig(path)).values).toEqual({
      search: { enable_background_indexing: false, enable_index_building: true },
    });
  });

  it('writes documents into a video, which can be searched by words at once and by its index later', async () => {
    const output = await run(example('Documents, and their video', 'sh'));
    expect(output).toMatch(/completed/);
    const found = output.match(/Paused jobs resume where they stopped\./g) ?? [];
    expect(found).toHaveLength(2);
  });

  it('shows jobs: all, one, for programs, to the end', async () => {
    const output = await run(example('Monitor', 'sh'));
    expect(output).toMatch(/embed +photos +completed/);
    expect(output).toContain('"state": "completed"');
  });

  it('loads in a pipeline, and waits there', async () => {
    const [first = '', second = ''] = await runSteps(example('In a pipeline', 'yaml'), { dataset: 'products' });
    expect(first).toContain('indexing: completed, 2 files');
    expect(second).toMatch(/embedding: completed, 2 samples/);
  });

  it('ends a wait that takes too long with 124, and the job goes on', async () => {
    await bench.run('load', 'data/cats', '--dataset', 'slow', '--embed-at', '2199-01-01T00:00:00Z');
    expect(await bench.run('wait', 'slow', '--timeout', '1')).toMatchObject({ code: 124 });
    expect((await bench.run('status', 'slow', '--json')).stdout).toContain('"state": "running"');
    expect(await bench.run('cancel', 'slow')).toMatchObject({ code: 0 });
  });

  it('loads several datasets, and waits for all', async () => {
    const output = await run(example('Several datasets', 'sh'));
    for (const dataset of ['cats', 'dogs', 'birds'])
      expect(output).toMatch(new RegExp(`^${dataset}: [0-9a-f-]{36}$`, 'm'));
    const { stdout: datasets } = await bench.run('datasets');
    for (const dataset of ['cats', 'dogs', 'birds']) expect(datasets).toMatch(new RegExp(`^${dataset} `, 'm'));
  });

  it('tries again what failed', async () => {
    await writeFile(join(bench.folder, 'photos', 'z-broken.jpg'), await drawPicture(99));
    const output = await run(example('Retry', 'sh'));
    expect(output).toMatch(/z-broken\.jpg/);
    expect((await bench.run('samples', 'photos', '--errors')).stdout).not.toContain('z-broken.jpg');
  });

  it('removes records of old jobs, of which there are none', async () => {
    const { stdout: before } = await bench.run('jobs', '--json');
    await run(example('Clean up', 'sh'));
    expect((await bench.run('jobs', '--json')).stdout).toBe(before);
  });
});
