import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchAnswer, SearchHit, SearchRequest } from '../../contract/search.ts';
import type { Embedder, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { createMedia, type Media } from '../../core/media/medium.ts';
import { knownMedia } from '../../core/media/registry.ts';
import type { Finder, SearchedSet } from '../../core/search/finder.ts';
import { createLocalFinder } from '../../core/search/local-finder.ts';
import { createLocalMachine } from '../../core/search/local-machine.ts';
import { modelToSearch } from '../../core/search/model-to-search.ts';
import { MachineEndedError } from '../../core/search/vector-machine.ts';
import { createWordFinder } from '../../core/search/words/word-finder.ts';
import { createLocalWords } from '../../core/search/words/word-machine.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { findDataset } from '../../core/store/datasets.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';
import { writeVectors } from '../../core/store/embeddings.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { writeCursor } from '../../search/cursor.ts';
import { createQueryEncoder } from '../../search/encode-query.ts';
import { createSearcher, type Searcher } from '../../search/searcher.ts';
import { fillDataset } from '../api/support/fill.ts';
import { COLOURS, makeColourWordsModel } from '../support/colour-words.ts';
import { linesMedium } from '../support/lines-medium.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, dot, fillWithVectors } from './vectors.ts';

const DIM = 16;
const COUNT = 2000;
const PICTURES = 4;
const MODEL = 'm@000000000001';

let bench: Workbench;
let searcher: Searcher;
let embedder: InferenceEmbedder;
let set: SearchedSet;
let photos: string;
const media = knownMedia();
const vectors = clusteredVectors(COUNT, DIM);
const [query, another] = clusteredVectors(2, DIM, 2) as [Float32Array, Float32Array];

const finderOf = () => createLocalFinder(bench.store, { machine: createLocalMachine() });
const wordsOf = () => createWordFinder(bench.store, { machine: createLocalWords() });
const searcherWith = (parts: { finder?: Finder; embedder?: Pick<Embedder, 'embed'>; media?: Media }) =>
  createSearcher({ store: bench.store, finder: finderOf(), words: wordsOf(), embedder, media, ...parts });

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  embedder = createEmbedder({ threads: 1 });
  set = { datasetId: bench.newDataset(), modelKey: MODEL, dim: DIM };
  await fillWithVectors(bench.store, set, vectors, (seq) => ({ tags: seq % 500 === 0 ? ['rare'] : [] }));
  photos = bench.newDataset();
  await fillWithPictures(photos);
  searcher = searcherWith({});
});
afterAll(async () => {
  await searcher?.close();
  await embedder?.close();
  await bench?.stop();
});

const fileOf = (seq: number) => join(bench.folder, `picture-${String(seq).padStart(6, '0')}.jpg`);

/** A dataset of pictures with the vectors of the built-in model. */
async function fillWithPictures(datasetId: string): Promise<void> {
  await makePictures(bench.folder, PICTURES);
  const { key, dim } = await embedder.open('color-gradient-grid', media.default);
  const outcomes = await embedder.embed(
    'color-gradient-grid',
    media.default,
    Array.from({ length: PICTURES }, (_, seq) => ({ path: fileOf(seq) })),
  );
  const found = outcomes.map((outcome) => ('vector' in outcome ? outcome.vector : new Float32Array()));
  await fillWithVectors(bench.store, { datasetId, modelKey: key, dim }, found, (seq) => ({ filepath: fileOf(seq) }));
}

type Asked = Omit<SearchRequest, 'dataset'> & { dataset?: string };
const search = (request: Asked) => searcher.search({ dataset: set.datasetId, ...request });
const seqsOf = ({ hits }: SearchAnswer) => hits.map(({ seq }) => seq);

function bruteForce(of: Float32Array, limit = COUNT, allowed: (seq: number) => boolean = () => true): number[] {
  return vectors
    .map((vector, seq) => ({ seq, score: dot(of, vector) }))
    .filter(({ seq }) => allowed(seq))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ seq }) => seq);
}

describe('a search by a vector', () => {
  it('gives the nearest twenty, and says what it searched', async () => {
    const answer = await search({ vector: [...query] });
    expect(answer).toMatchObject({ dataset: set.datasetId, model_key: MODEL, exact: true });
    expect(seqsOf(answer)).toEqual(bruteForce(query, 20));
    expect(answer.hits[0]).toEqual({
      seq: bruteForce(query, 1)[0],
      filepath: expect.stringMatching(/^\//),
      score: expect.closeTo(dot(query, vectors[bruteForce(query, 1)[0] as number] as Float32Array), 5),
    });
  });

  it.each([1e300, 1e-300])('takes one of any length: %d', async (factor) => {
    expect(seqsOf(await search({ vector: [...query].map((element) => element * factor) }))).toEqual(
      bruteForce(query, 20),
    );
  });

  it('gives the same answer each time, also to many at once', async () => {
    const one = await search({ vector: [...query] });
    const many = await Promise.all(Array.from({ length: 8 }, () => search({ vector: [...query] })));
    expect(many).toEqual(many.map(() => one));
  });

  it.each<[string, number[]]>([
    ['too short', [1, 2, 3]],
    ['all zeros', new Array<number>(DIM).fill(0)],
  ])('refuses one that is %s', async (_, vector) => {
    await expect(search({ vector })).rejects.toMatchObject({ code: 'InvalidVector' });
  });

  it('says which length is right', async () => {
    await expect(search({ vector: [1] })).rejects.toThrow(`The vector has 1 elements; those of ${MODEL} have ${DIM}.`);
  });

  it('filters, also where nothing matches', async () => {
    const rare = await search({ vector: [...query], filter: { tag: 'rare' } });
    expect(seqsOf(rare)).toEqual(bruteForce(query, 20, (seq) => seq % 500 === 0));
    expect(await search({ vector: [...query], filter: { tag: 'nobody' } })).toMatchObject({ hits: [], next: null });
  });
});

describe('a request', () => {
  it.each<[string, object]>([
    ['limit must be at least 1', { limit: 0 }],
    ['limit must be at most 1000', { limit: 1001 }],
    ['limit must be a whole number', { limit: 1.5 }],
    ['vector.1 must be a number', { vector: [1, Number.NaN] }],
    ['vector.0 must be a number', { vector: [Number.POSITIVE_INFINITY] }],
    ['sample must be at least 0', { sample: -1, vector: undefined }],
    ['Give one query', { vector: undefined }],
    ['Give one query', { sample: 1 }],
    ['Give one query', { picture: new Uint8Array() }],
    ['the input has no field "words"', { words: 'a' }],
    ['cursor must be `next` of the page before', { cursor: 'nonsense' }],
    ['cursor must be `next` of the page before', { cursor: Buffer.from('[1,2]').toString('base64url') }],
    ['cursor must be `next` of the page before', { cursor: Buffer.from('[0.5,-1,20,"m"]').toString('base64url') }],
    ['cursor must be `next` of the page before', { cursor: Buffer.from('[null,1,20,"m"]').toString('base64url') }],
    ['filter has no field "colour"', { filter: { colour: 'red' } }],
    ['filter.text.needle must hold no NUL', { filter: { text: { needle: 'a\0', below: ['/'] } } }],
    ['filter.text.below.0 must hold no NUL', { filter: { text: { needle: 'a', below: ['/\0'] } } }],
    ['filter.equal.a.$b is not valid', { filter: { equal: { 'a.$b': 'c' } } }],
  ])('is refused in words: %s', async (words, change) => {
    const refused = search({ vector: [...query], ...change } as Asked);
    await expect(refused).rejects.toMatchObject({ code: 'InvalidInput', message: expect.stringContaining(words) });
  });

  it('names a model by its key or its name, and no other', async () => {
    for (const model of [MODEL, 'm'])
      expect(await search({ vector: [...query], model })).toMatchObject({ model_key: MODEL });
    await expect(search({ vector: [...query], model: 'n' })).rejects.toMatchObject({ code: 'ModelNotInDataset' });
  });

  it('searches the model that serves, also where the record of it counts no vectors yet', async () => {
    const { changed, ask } = await changing();
    const ofDataset = { _id: changed.datasetId };
    const { datasets } = collectionsOf(bench.store);
    await datasets.updateOne(ofDataset, { $set: { serving: MODEL, 'models.0.vectors': 0 } });
    expect((await ask()).hits).toHaveLength(20);
    const [recorded] = (await findDataset(bench.store, changed.datasetId))?.models ?? [];
    const without = { ...recorded, key: 'n@000000000002', vectors: 0 };
    await datasets.updateOne(ofDataset, { $push: { models: without as never }, $set: { serving: without.key } });
    const { model_key, hits } = await ask();
    expect([model_key, hits.length]).toEqual([MODEL, 20]);
  });

  it('searches a model that is named by its key while another one serves', async () => {
    const { changed, ask } = await changing();
    const other = { ...changed, modelKey: 'n@000000000002' };
    const { datasets, embeddings } = collectionsOf(bench.store);
    await embeddings.updateMany(
      { dataset_id: changed.datasetId, seq: { $lt: 5 } },
      { $set: { model_key: other.modelKey } },
    );
    const [recorded] = (await findDataset(bench.store, changed.datasetId))?.models ?? [];
    await datasets.updateOne(
      { _id: changed.datasetId },
      { $push: { models: { ...recorded, key: other.modelKey } as never }, $set: { serving: MODEL } },
    );
    const { model_key, hits } = await ask({ vector: [...another], model: other.modelKey });
    expect([model_key, hits.length]).toEqual([other.modelKey, 5]);
  });

  it('needs a dataset with vectors', async () => {
    await expect(search({ dataset: 'nobody', sample: 1 })).rejects.toMatchObject({ code: 'DatasetNotFound' });
    const empty = bench.newDataset();
    await fillDataset(bench.store, empty, 3);
    await expect(search({ dataset: empty, sample: 1 })).rejects.toMatchObject({ code: 'NoVectors' });
  });

  it('is answered as unavailable while the process of the vectors keeps ending', async () => {
    const ending: Finder = {
      at: () => Promise.reject(new MachineEndedError('The search process was ended by SIGKILL.')),
      close: async () => undefined,
    };
    const refused = searcherWith({ finder: ending }).search({ dataset: set.datasetId, vector: [...query] });
    await expect(refused).rejects.toMatchObject({ code: 'SearchUnavailable' });
  });
});

describe('pages', () => {
  it('make up one search, and end with null', async () => {
    const found: SearchHit[] = [];
    let cursor: string | undefined;
    for (let pages = 1; pages <= 4; pages += 1) {
      const page = await search({ vector: [...query], limit: 600, cursor });
      found.push(...page.hits);
      cursor = page.next ?? undefined;
      expect(page.next === null).toBe(pages === 4);
    }
    expect(found.slice(0, 1000)).toEqual((await search({ vector: [...query], limit: 1000 })).hits);
    expect(new Set(found.map(({ seq }) => seq)).size).toBe(COUNT);
    expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).toSorted((a, b) => b - a));
  });

  it('give ten thousand hits at most, and end there with null', async () => {
    const others = bruteForce(query, 11).slice(1);
    const cursorAfter = async (given: number) =>
      writeCursor({
        ...((await search({ vector: [...query], limit: 1 })).hits[0] as SearchHit),
        given,
        modelKey: MODEL,
        mode: 'vector',
        depth: 0,
      });
    const last = await search({ vector: [...query], limit: 1000, cursor: await cursorAfter(9990) });
    expect([seqsOf(last), last.next]).toEqual([others, null]);
    const before = await search({ vector: [...query], limit: 9, cursor: await cursorAfter(9990) });
    expect([seqsOf(before), before.next]).toEqual([others.slice(0, 9), expect.any(String)]);
    const beyond = search({ vector: [...query], cursor: await cursorAfter(10_000) });
    await expect(beyond).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('a search gives out 10000 hits at most'),
    });
  });

  it('go on with their model when another one serves by then', async () => {
    const dataset = bench.newDataset();
    const other = { datasetId: dataset, modelKey: 'm@00000000000b', dim: DIM };
    await fillWithVectors(bench.store, other, vectors.slice(0, 30));
    const first = await search({ dataset, vector: [...query], limit: 10 });
    await collectionsOf(bench.store).embeddings.insertOne({
      ...(await collectionsOf(bench.store).embeddings.findOne({ dataset_id: dataset }, { projection: { _id: 0 } })),
      model_key: 'n@00000000000c',
    } as never);
    await collectionsOf(bench.store).datasets.updateOne({ _id: dataset }, { $set: { serving: 'n@00000000000c' } });
    expect(await search({ dataset, vector: [...query] })).toMatchObject({ model_key: 'n@00000000000c' });
    const second = await search({ dataset, vector: [...query], limit: 20, cursor: first.next as string });
    expect(second).toMatchObject({ model_key: 'm@00000000000b', next: null });
    expect(second.hits).toHaveLength(20);
  });
});

/** A small dataset of its own, for what changes it. */
async function changing(
  count = 60,
): Promise<{ changed: SearchedSet; ask: (request?: Asked) => Promise<SearchAnswer> }> {
  const changed = { datasetId: bench.newDataset(), modelKey: MODEL, dim: DIM };
  await fillWithVectors(bench.store, changed, vectors.slice(0, count));
  return {
    changed,
    ask: (request = { vector: [...another] }) => search({ dataset: changed.datasetId, ...request }),
  };
}

async function writeVector({ datasetId, modelKey }: SearchedSet, seq: number, vector: Float32Array): Promise<void> {
  const sample = await collectionsOf(bench.store).samples.findOne({ dataset_id: datasetId, seq });
  if (sample === null) throw new Error('no sample');
  await writeVectors(bench.store, { datasetId, modelKey }, [
    { seq, sampleId: sample._id, vector, content: 'c', version: versionOf(sample), isStale: true },
  ]);
}

describe('a change', () => {
  it('shows in the next search, and what is gone does not come back', async () => {
    const { changed, ask } = await changing();
    const { samples, embeddings } = collectionsOf(bench.store);
    const [missing, deleted, elsewhere, ...rest] = seqsOf(await ask()) as [number, number, number, ...number[]];
    const of = { dataset_id: changed.datasetId };
    await samples.updateOne({ ...of, seq: missing }, { $set: { status: 'missing' } });
    await samples.deleteOne({ ...of, seq: deleted });
    await embeddings.deleteOne({ ...of, seq: deleted });
    await writeVector(
      changed,
      elsewhere,
      another.map((element) => -element),
    );
    const after = seqsOf(await ask());
    expect(after.slice(0, rest.length)).toEqual(rest);
    expect(after).not.toContain(missing);
    expect(after).not.toContain(deleted);
    expect(seqsOf(await ask({ vector: [...another], limit: 60 })).at(-1)).toBe(elsewhere);
  });

  it('before the cursor gives no hit twice, and leaves none out', async () => {
    const { changed, ask } = await changing();
    const whole = seqsOf(await ask({ vector: [...another], limit: 60 }));
    const first = await ask({ vector: [...another], limit: 5 });
    // As many as the next search would look at come before the cursor.
    const moved = whole.slice(-12);
    for (const seq of moved) await writeVector(changed, seq, another);
    const second = await ask({ vector: [...another], limit: 5, cursor: first.next as string });
    expect(seqsOf(second)).toEqual(whole.slice(5, 10));
  });

  it('that deletes the dataset in the middle of a search leaves an answer without its samples', async () => {
    const { changed } = await changing();
    const finder = finderOf();
    const deleting: Finder = {
      async at(of) {
        const at = await finder.at(of);
        const { samples, embeddings, datasets } = collectionsOf(bench.store);
        for (const collection of [embeddings, samples])
          await collection.deleteMany({ dataset_id: changed.datasetId } as never);
        await datasets.deleteOne({ _id: changed.datasetId });
        return at;
      },
      close: () => finder.close(),
    };
    const ask = () => searcherWith({ finder: deleting }).search({ dataset: changed.datasetId, vector: [...query] });
    expect(await ask()).toMatchObject({ hits: [], next: null });
    await expect(ask()).rejects.toMatchObject({ code: 'DatasetNotFound' });
  });
});

describe('a search by a sample', () => {
  it('takes its stored vector, and leaves the sample out', async () => {
    const answer = await search({ sample: 7, limit: 10 });
    expect(seqsOf(answer)).toEqual(bruteForce(vectors[7] as Float32Array, 11).slice(1));
    expect(bruteForce(vectors[7] as Float32Array, 1)).toEqual([7]);
  });

  it('tells why a sample has no vector', async () => {
    const { changed, ask } = await changing();
    const { samples, embeddings } = collectionsOf(bench.store);
    const of = { dataset_id: changed.datasetId };
    await embeddings.deleteMany({ ...of, seq: { $in: [1, 2] } });
    const error = { code: 'decode_failed', message: 'torn', stage: 'embedding' as const, at: new Date() };
    await samples.updateOne({ ...of, seq: 2 }, { $set: { error } });
    await samples.updateOne({ ...of, seq: 3 }, { $set: { 'source.fingerprint': 'other' } });
    for (const [seq, words] of [
      [1, 'what it holds now was not embedded yet'],
      [2, 'it could not be embedded (decode_failed)'],
      [3, 'what it holds now was not embedded yet'],
    ] as const)
      await expect(ask({ sample: seq })).rejects.toMatchObject({
        code: 'SampleWithoutVector',
        message: `Sample ${seq} of ${changed.datasetId} has no vector of ${MODEL}: ${words}.`,
      });
    await expect(ask({ sample: 60 })).rejects.toMatchObject({ code: 'SampleNotFound' });
  });

  it('whose file is missing finds what is like it', async () => {
    const { changed, ask } = await changing();
    const found = seqsOf(await ask({ sample: 4 }));
    await collectionsOf(bench.store).samples.updateOne(
      { dataset_id: changed.datasetId, seq: 4 },
      { $set: { status: 'missing' } },
    );
    expect(seqsOf(await ask({ sample: 4 }))).toEqual(found);
  });
});

describe('a search by a picture', () => {
  it('finds the same picture first, by its bytes and by its path', async () => {
    for (const picture of [await drawPicture(2), fileOf(2)]) {
      const { hits, model_key } = await search({ dataset: photos, picture });
      expect(hits[0]).toMatchObject({ seq: 2, score: expect.closeTo(1, 5) });
      expect(hits).toHaveLength(PICTURES);
      expect(model_key).toMatch(/^color-gradient-grid@/);
    }
  });

  it.each<[string, string, () => Uint8Array | string]>([
    ['is no picture', "can't be used", () => Buffer.from('a shopping list')],
    ['is empty', "can't be used", () => new Uint8Array()],
    ['is too large', 'has 33 MiB; a search takes one of 32 MiB at most', () => new Uint8Array(32 * 2 ** 20 + 1)],
    ['is not there', "can't be used", () => join(bench.folder, 'nobody.jpg')],
    ['is a folder', 'is not a file', () => bench.folder],
  ])('is refused where the picture %s', async (_, words, picture) => {
    await expect(search({ dataset: photos, picture: picture() })).rejects.toMatchObject({
      code: 'PictureUnreadable',
      message: expect.stringContaining(words),
    });
  });

  it('is refused where the samples are no pictures, or of a medium that this machine does not know', async () => {
    const dataset = bench.newDataset();
    await fillWithVectors(bench.store, { datasetId: dataset, modelKey: MODEL, dim: DIM }, vectors.slice(0, 3));
    await collectionsOf(bench.store).datasets.updateOne({ _id: dataset }, { $set: { media_type: 'lines' } });
    const picture = await drawPicture(2);
    await expect(search({ dataset, picture })).rejects.toMatchObject({
      code: 'ModelNotHere',
      message: expect.stringContaining('the medium "lines"'),
    });
    const withLines = searcherWith({ media: createMedia([linesMedium()]) });
    await expect(withLines.search({ dataset, picture })).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it.each([
    ['of another revision', 'color-gradient-grid@000000000001', 'another revision'],
    ['that is not here', 'my-clip@000000000001', 'They are not here'],
  ])('is refused with a model %s', async (_, modelKey, words) => {
    const dataset = bench.newDataset();
    await fillWithVectors(bench.store, { datasetId: dataset, modelKey, dim: DIM }, vectors.slice(0, 3));
    const refused = search({ dataset, picture: await drawPicture(2) });
    await expect(refused).rejects.toMatchObject({ code: 'ModelNotHere', message: expect.stringContaining(words) });
    await expect(refused).rejects.toThrow('000000000001');
  });

  it('uses the folder that the model was loaded from, if it is here', async () => {
    const { key, dim } = await embedder.open('color-gradient-grid', media.default);
    const revision = key.split('@')[1];
    const dataset = bench.newDataset();
    const stored = clusteredVectors(3, dim);
    await fillWithVectors(bench.store, { datasetId: dataset, modelKey: `elsewhere@${revision}`, dim }, stored);
    const asked = join(import.meta.dirname, '../../models/color-gradient-grid');
    await collectionsOf(bench.store).datasets.updateOne({ _id: dataset }, { $set: { 'models.0.asked': asked } });
    expect((await search({ dataset, picture: await drawPicture(2) })).hits).toHaveLength(3);
  });
});

describe('a search by words', () => {
  const colours = ['red', 'green', 'blue', 'black'];
  let painted: string;
  beforeAll(async () => {
    painted = bench.newDataset();
    const folder = await makeColourWordsModel(join(bench.folder, 'colours'));
    const { key, dim } = await embedder.open(folder, media.default);
    const outcomes = await embedder.embed(
      folder,
      media.default,
      await Promise.all(colours.map(async (name) => ({ bytes: await pictureIn(name) }))),
    );
    const found = outcomes.map((outcome) => ('vector' in outcome ? outcome.vector : new Float32Array()));
    await fillWithVectors(bench.store, { datasetId: painted, modelKey: key, dim }, found);
    await collectionsOf(bench.store).datasets.updateOne({ _id: painted }, { $set: { 'models.0.asked': folder } });
  });

  it.each(colours)('finds what is %s first', async (name) => {
    const { hits } = await search({ dataset: painted, text: `a picture of something ${name}` });
    expect(hits[0]).toMatchObject({ seq: colours.indexOf(name), score: expect.closeTo(1, 2) });
  });

  it('gives the same answer each time', async () => {
    const ask = () => search({ dataset: painted, text: 'a red and blue thing' });
    expect(await ask()).toEqual(await ask());
  });

  it('is refused where the words say nothing to the model', async () => {
    await expect(search({ dataset: painted, text: 'the one' })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/^text: /),
    });
    await expect(search({ dataset: painted, text: ' ' })).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('is refused where the model knows pictures only', async () => {
    await expect(search({ dataset: photos, text: 'red' })).rejects.toMatchObject({ code: 'ModelHasNoText' });
  });
});

function pictureIn(name: string): Promise<Buffer> {
  const [r, g, b] = COLOURS[name] as readonly [number, number, number];
  return sharp({ create: { width: 40, height: 30, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}

describe('queries that the model encodes', () => {
  it('are two at a time, and an abandoned one is not encoded', async () => {
    const dataset = (await findDataset(bench.store, photos)) as DatasetDocument;
    const model = await modelToSearch(bench.store, dataset);
    const begun: PromiseWithResolvers<EmbedOutcome[]>[] = [];
    const encode = createQueryEncoder(
      {
        embed() {
          const one = Promise.withResolvers<EmbedOutcome[]>();
          begun.push(one);
          return one.promise;
        },
      },
      media,
    );
    const leaving = new AbortController();
    const [first, second, third, ...others] = [undefined, undefined, leaving.signal, undefined, undefined].map(
      (signal) => encode({ picture: new Uint8Array(1) }, { dataset, model, signal }),
    );
    const end = async (n: number) => {
      begun[n]?.resolve([{ vector: Float32Array.of(n), content: 'c' }]);
      await settled();
    };
    await settled();
    expect(begun).toHaveLength(2);
    const left = expect(third).rejects.toThrow('left');
    leaving.abort(new Error('left'));
    await end(1);
    expect(await second).toEqual(Float32Array.of(1));
    await left;
    expect(begun).toHaveLength(3);
    for (const n of [0, 2]) await end(n);
    expect(begun).toHaveLength(4);
    await end(3);
    expect(await Promise.all([first, ...others])).toEqual([0, 2, 3].map((n) => Float32Array.of(n)));
  });
});

/** Lets all that waits for nothing else run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
