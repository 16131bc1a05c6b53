import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { EmbeddingDocument, SampleDocument } from '../../core/store/documents.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';
import { makePictures } from '../support/pictures.ts';
import { writeSentencesModel } from '../support/sentences-model.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
const embedder = createCountingEmbedder();

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { embedder } });
});
afterAll(async () => {
  await bench?.stop();
  await embedder.close();
});

const paragraph = (name: string, sentences: number) =>
  Array.from({ length: sentences }, (_, i) => `The ${name} has a sentence ${i} of about ten words in it.`).join(' ');

const GUIDE = `# Guide\n\n${paragraph('introduction', 30)}\n\n## Install\n\n${paragraph('setup', 40)}\n\n## Use\n\n${paragraph('usage', 5)}\n`;

/** A folder with these files, and what a load of it stores. */
async function openFolder(files: Record<string, string | Buffer>) {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  const write = async (name: string, content: string | Buffer) => {
    await mkdir(dirname(join(source, name)), { recursive: true });
    await writeFile(join(source, name), content);
  };
  await mkdir(source);
  for (const [name, content] of Object.entries(files)) await write(name, content);

  /** Loads the folder. Returns the final status and how many chunks were encoded. */
  async function load(more: Partial<LoadDatasetRequest> = {}): Promise<{ status: JobStatus; computed: number }> {
    const before = embedder.encoded;
    const status = await bench.load({ dataset, source, ...more });
    return { status, computed: embedder.encoded - before };
  }
  /** Why a load fails. */
  const refusal = async (more: Partial<LoadDatasetRequest>) => (await load(more)).status.error?.message;
  const stored = async (): Promise<(SampleDocument & { vector: EmbeddingDocument | undefined })[]> => {
    const { samples, embeddings } = collectionsOf(bench.store);
    const vectors = await embeddings.find({ dataset_id: dataset }).toArray();
    const found = await samples.find({ dataset_id: dataset }).sort({ filepath: 1, part: 1 }).toArray();
    return found.map((sample) => ({ ...sample, vector: vectors.find(({ seq }) => seq === sample.seq) }));
  };
  const record = () => collectionsOf(bench.store).datasets.findOne({ _id: dataset });
  return { dataset, source, write, load, refusal, stored, record };
}

const textOf = ({ metadata }: { metadata?: SampleDocument['metadata'] | undefined }) => String(metadata?.text);

test('a folder of documents becomes chunks, each with its place, and vectors of the built-in model', async () => {
  const { load, stored, record } = await openFolder({ 'guide.md': GUIDE, 'notes/todo.txt': 'Buy milk.\n\nCall Ada.' });
  const { status, computed } = await load();

  const chunks = await stored();
  expect(status).toMatchObject({
    state: 'completed',
    phases: { indexing: { done: 2 }, embedding: { state: 'completed' } },
  });
  expect(await record()).toMatchObject({
    media_type: 'text',
    expansion: { size: 240, overlap: 32, unit: 'tokens' },
    models: [{ name: 'hashed-words', dim: 512, vectors: chunks.length }],
  });
  expect(computed).toBe(chunks.length);
  expect(chunks.length).toBeGreaterThan(5);
  for (const { metadata, part, vector } of chunks) {
    const text = textOf({ metadata });
    const whole = part === 0 && text.startsWith('Buy') ? 'Buy milk.\n\nCall Ada.' : GUIDE;
    expect(whole.slice(Number(metadata?.start), Number(metadata?.end))).toBe(text);
    expect(Number(metadata?.tokens)).toBeLessThanOrEqual(240);
    expect(vector?.model_key).toMatch(/^hashed-words@/);
  }
  expect(chunks.at(-2)?.metadata).toMatchObject({ format: 'markdown', headings: ['Guide', 'Use'] });
  expect(chunks.at(-1)?.metadata).toMatchObject({ format: 'text', headings: [], mime_type: 'text/plain' });
});

test('an edit embeds the chunks whose text changed; a moved document embeds none', async () => {
  const { source, write, load, stored } = await openFolder({ 'guide.md': GUIDE });
  await load();
  const before = await stored();

  await write(
    'guide.md',
    GUIDE.replace('# Guide\n', '# Guide\n\nOne more line.\n').replace('usage has a sentence 0', 'usage has one'),
  );
  const edited = await load();
  const after = await stored();

  const known = new Set(before.map(textOf));
  const fresh = after.filter((chunk) => chunk.status === 'indexed' && !known.has(textOf(chunk)));
  expect(edited.computed).toBe(fresh.length);
  expect(fresh.length).toBeLessThan(after.length);
  const kept = before.flatMap((one) => after.filter((two) => textOf(two) === textOf(one)).map((two) => ({ one, two })));
  expect(kept.length).toBeGreaterThan(1);
  for (const { one, two } of kept) {
    expect(two.seq).toBe(one.seq);
    // A search reads the words of what was written since.
    expect(two.words_written).toEqual(one.words_written);
  }

  await mkdir(join(source, 'deep'));
  await rename(join(source, 'guide.md'), join(source, 'deep/moved.md'));
  const moved = await load();
  expect(moved.computed).toBe(0);
  expect(moved.status.phases.embedding.reused).toBe(
    fresh.length + after.filter((one) => known.has(textOf(one)) && one.status === 'indexed').length,
  );
});

test('a row on top of thousands moves them all, which keep their numbers and vectors', async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => `${i},Item number ${i}`);
  const { write, load, stored } = await openFolder({ 'a.csv': ['id,name', ...rows].join('\n') });
  await load();
  const before = new Map((await stored()).map((sample) => [textOf(sample), sample.seq]));

  await write('a.csv', ['id,name', 'new,The first item', ...rows].join('\n'));
  const { status, computed } = await load();
  const after = (await stored()).filter((sample) => sample.status === 'indexed');
  expect(status.state).toBe('completed');
  expect(computed).toBe(1);
  expect(after.map(({ part }) => part)).toEqual(after.map((_, i) => i));
  expect(after).toHaveLength(3002);
  for (const sample of after)
    if (textOf(sample) !== 'new,The first item') expect(sample.seq).toBe(before.get(textOf(sample)));
});

test('a document that can not be read is a failed file, and the others are loaded', async () => {
  const { load, stored } = await openFolder({
    'a.txt': 'Fine.',
    'b.txt': Buffer.from([0, 1, 2, 3, 0, 0, 255, 254]),
    'c.txt': '',
    'd.md': '\n\n  \n',
  });
  const { status } = await load();

  expect(status.phases.indexing).toMatchObject({ done: 1, failed: 3 });
  expect((await stored()).map(({ filepath, error }) => [basename(filepath), error?.code])).toEqual([
    ['a.txt', undefined],
    ['b.txt', 'not_text'],
    ['c.txt', 'empty_file'],
    ['d.md', 'no_text'],
  ]);
});

describe('the medium of a new dataset', () => {
  test('is text where the folder holds documents alone, and image where notes lie beside pictures', async () => {
    const documents = await openFolder({ 'README.md': '# Hello', 'table.csv': 'a,b\n1,2\n' });
    await documents.load({ embed: false });
    expect(await documents.record()).toMatchObject({ media_type: 'text' });

    const pictures = await openFolder({ 'README.md': '# Pictures', 'labels.csv': 'a,b', 'cat.txt': 'a cat' });
    await makePictures(pictures.source, 3);
    expect((await pictures.load({ embed: false })).status).toMatchObject({ state: 'completed', error: null });
    expect(await pictures.record()).toMatchObject({ media_type: 'image', counts: { total: 3 } });
  });

  test('is asked for where documents and pictures are mixed, and a load that names it takes these files alone', async () => {
    const mixed = await openFolder({ 'manual.md': '# Manual\n\nText.' });
    await makePictures(mixed.source, 2);

    expect(await mixed.refusal({})).toMatch(
      /several media: image \(.*jpg\) and text \(.*manual\.md\)\. .*--media image or --media text/,
    );
    await mixed.load({ media: 'text', embed: false });
    expect(await mixed.record()).toMatchObject({ media_type: 'text', counts: { total: 1 } });
    expect(await mixed.refusal({ media: 'image' })).toMatch(/holds samples of the medium text/);
    expect(await mixed.refusal({ media: 'video' })).toMatch(/knows no medium "video"/);
    await mixed.load({ embed: false });
  });
});

describe('chunks', () => {
  test('are of the size that the first load names; another size needs every document to be read again', async () => {
    const { load, refusal, stored, record } = await openFolder({ 'guide.md': GUIDE });
    await load({ chunks: { size: 200, unit: 'characters' }, embed: false });
    const lengths = (await stored()).map((chunk) => textOf(chunk).length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(200);
    expect(await record()).toMatchObject({ expansion: { size: 200, overlap: 100, unit: 'characters' } });

    await load({ embed: false });
    expect(await refusal({ chunks: { size: 400 } })).toMatch(/has chunks of 200 characters.*--reread/);
    await load({ chunks: { size: 400 }, reread: true, embed: false });
    const larger = (await stored()).filter(({ status }) => status === 'indexed').map((chunk) => textOf(chunk).length);
    expect(Math.max(...larger)).toBeGreaterThan(200);
    expect(Math.max(...larger)).toBeLessThanOrEqual(400);
  });

  test('need the model whose tokens they count on the indexing worker', async () => {
    const { refusal } = await openFolder({ 'guide.md': GUIDE });
    expect(await refusal({ model: 'no-such-model' })).toMatch(/no model "no-such-model"/);
  });

  test('mean nothing for pictures', async () => {
    const pictures = await openFolder({});
    await makePictures(pictures.source, 1);
    expect((await pictures.load({ chunks: { size: 100 }, embed: false })).status).toMatchObject({ state: 'completed' });
    expect(await pictures.record()).not.toHaveProperty('expansion');
  });
});

/** How many words a chunk sends to the encoder, which gets nothing but its text. */
function wordsOf(value: unknown): number {
  const { text, ...rest } = value as { text: string };
  expect(rest).toEqual({});
  return text.trim().split(' ').length;
}

test('chunks of about one length are encoded together, whatever their order in the documents', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${JSON.stringify({ text: 'a '.repeat(((i * 7) % 60) + 1) })}\n`);
  const { load, stored } = await openFolder({ 'rows.jsonl': rows.join('') });
  const model = await writeSentencesModel(join(bench.folder, `sentences-${bench.newDataset()}`), {
    'tokenizer_config.json': { tokenizer_class: 'BertTokenizer', model_max_length: 512, pad_token: '[PAD]' },
  });
  const before = embedder.calls.length;
  await load({ model });
  const lengths = embedder.calls
    .slice(before)
    .map((items) => items.map((item) => wordsOf('value' in item ? item.value : undefined)))
    .sort((a, b) => Math.max(...b) - Math.max(...a));
  expect(lengths.map(({ length }) => length)).toEqual([32, 28]);
  expect(Math.min(...(lengths[0] as number[]))).toBeGreaterThanOrEqual(Math.max(...(lengths[1] as number[])));
  expect(Math.max(...(lengths[0] as number[]))).toBeGreaterThan(Math.min(...(lengths[1] as number[])) + 40);
  expect((await stored()).filter(({ vector }) => vector === undefined)).toEqual([]);
});
