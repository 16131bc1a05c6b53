import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SearchRequest } from '../../contract/search.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openSearcher } from '../../search/open-searcher.ts';
import type { Searcher } from '../../search/searcher.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let searcher: Searcher;
let source: string;
let dataset: string;

/** A topic has a document with sections of its own words. */
const TOPICS: Record<string, string[]> = {
  sailing: ['The skipper hoists the mainsail at dawn.', 'Reefing keeps a yacht upright in a gale.'],
  baking: ['Knead the dough until it is elastic.', 'A sourdough starter ferments overnight.'],
  astronomy: ['The telescope resolved a distant quasar.', 'Comets follow long elliptical orbits.'],
};
const documentOf = (topic: string) =>
  `# ${topic}\n\nAbout ${topic}.\n\n${(TOPICS[topic] as string[]).map((text, i) => `## Part ${i}\n\n${text}\n`).join('\n')}`;

beforeAll(async () => {
  bench = await openWorkbench();
  searcher = openSearcher({ store: bench.store });
});
afterAll(async () => {
  await searcher?.close();
  await bench?.stop();
});
beforeEach(async () => {
  dataset = bench.newDataset();
  source = join(bench.folder, dataset);
  await mkdir(source);
  for (const topic of Object.keys(TOPICS)) await writeFile(join(source, `${topic}.md`), documentOf(topic));
});

const load = (more: { embed?: boolean } = {}) => bench.load({ dataset, source, ...more });
const search = (request: Partial<SearchRequest>) => searcher.search({ dataset, ...request });
const textsOf = ({ hits }: { hits: readonly { passage?: { text: string } | undefined }[] }) =>
  hits.map(({ passage }) => passage?.text ?? '');

test('a question finds the passage by words and by vectors, and its words are marked', async () => {
  await load();
  const answer = await search({ text: 'how does reefing keep yachts upright?' });

  expect(answer).toMatchObject({
    mode: 'hybrid',
    model_key: expect.stringMatching(/^hashed-words@/),
    exact: true,
    next: null,
  });
  const [best] = answer.hits;
  expect(best).toMatchObject({
    filepath: join(source, 'sailing.md'),
    ranks: { vector: 1, words: 1 },
    passage: {
      part: 2,
      headings: ['sailing', 'Part 1'],
      text: '## Part 1\n\nReefing keeps a yacht upright in a gale.',
    },
  });
  const passage = best?.passage;
  expect(passage?.marks.map(([from, to]) => passage.text.slice(from, to))).toEqual([
    'Reefing',
    'keeps',
    'yacht',
    'upright',
  ]);
  expect(documentOf('sailing').slice(passage?.start, passage?.end)).toBe(passage?.text);
});

test('words can be searched for before there are vectors, and vectors as soon as there are some', async () => {
  await load({ embed: false });
  const early = await search({ text: 'sourdough' });
  expect(early).toMatchObject({ mode: 'words', model_key: null, exact: true });
  expect(textsOf(early)).toEqual(['## Part 1\n\nA sourdough starter ferments overnight.']);
  await expect(search({ text: 'sourdough', mode: 'vector' })).rejects.toMatchObject({ code: 'NoVectors' });
  await expect(search({ text: 'sourdough', mode: 'hybrid' })).rejects.toMatchObject({ code: 'NoVectors' });

  await load();
  expect((await search({ text: 'sourdough' })).mode).toBe('hybrid');
  const misspelled = await search({ text: 'telescops resolves quasars', mode: 'vector' });
  expect(textsOf(misspelled)[0]).toContain('The telescope resolved a distant quasar.');
});

test('a search follows edits, and never finds what is gone', async () => {
  await load({ embed: false });
  const words = (text: string) => search({ text, mode: 'words' });
  expect(textsOf(await words('mainsail'))).toHaveLength(1);

  await writeFile(join(source, 'sailing.md'), documentOf('sailing').replace('mainsail', 'spinnaker'));
  await load({ embed: false });
  expect(textsOf(await words('mainsail'))).toEqual([]);
  expect(textsOf(await words('spinnaker'))).toEqual(['## Part 0\n\nThe skipper hoists the spinnaker at dawn.']);

  await rm(join(source, 'sailing.md'));
  await load({ embed: false });
  expect(textsOf(await words('spinnaker'))).toEqual([]);
  await bench.wait((await bench.prune(dataset)).job_id);
  expect(textsOf(await words('spinnaker'))).toEqual([]);
  expect(textsOf(await words('comets'))).toHaveLength(1);
});

test('filters hold for words, vectors and both', async () => {
  await load();
  await collectionsOf(bench.store).samples.updateMany({ dataset_id: dataset, part: 0 }, { $set: { tags: ['first'] } });
  for (const mode of ['words', 'vector', 'hybrid'] as const) {
    const tagged = await search({ text: 'about the part', mode, filter: { tag: 'first' } });
    expect(tagged.hits.map(({ passage }) => passage?.part)).toEqual([0, 0, 0]);
    const below = await search({ text: 'about part', mode, filter: { prefixes: [join(source, 'bak')] } });
    expect(below.hits.length).toBeGreaterThan(0);
    expect(new Set(below.hits.map(({ filepath }) => filepath))).toEqual(new Set([join(source, 'baking.md')]));
  }
});

test.each(['words', 'vector', 'hybrid'] as const)('pages of %s go through all hits once, in order', async (mode) => {
  await load();
  const all = await search({ text: 'about part', mode });
  const paged: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const { hits, next } = await search({
      text: 'about part',
      mode,
      limit: 2,
      ...(cursor === undefined ? {} : { cursor }),
    });
    paged.push(...hits.map(({ seq }) => seq));
    if (next === null) break;
    cursor = next;
  }
  expect(paged).toEqual(all.hits.map(({ seq }) => seq));
  expect(paged.length).toBe(9);
});

describe('what is refused', () => {
  test('is a mode without words, and words where there are no documents', async () => {
    await load();
    const refused = (request: Partial<SearchRequest>) => expect(search(request)).rejects;
    await refused({ sample: 0, mode: 'words' }).toMatchObject({
      code: 'InvalidInput',
      message: /words and hybrid go with text/,
    });
    await refused({ picture: new Uint8Array(3) }).toMatchObject({ code: 'InvalidInput' });
    await refused({ text: '?!', mode: 'vector' }).toMatchObject({ code: 'InvalidInput' });
    expect(await search({ text: '?!', mode: 'words' })).toMatchObject({ hits: [], next: null });
  });
});

test('samples of a document are alike by their vectors', async () => {
  await load();
  const { hits } = await search({ sample: 0, limit: 3 });
  expect(hits).toHaveLength(3);
  expect(hits[0]?.passage?.marks).toEqual([]);
});
