import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { Collection, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { startApi } from '../../api/start-server.ts';
import { MOST_PICTURE_BYTES } from '../../contract/search.ts';
import { createToken } from '../../core/api-tokens.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { InferenceUnavailableError } from '../../core/models/errors.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import type { Searcher } from '../../search/searcher.ts';
import { clusteredVectors, dot, fillWithVectors } from '../search/vectors.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset, SOURCE } from './support/fill.ts';
import { openTestApi, settingsFor, type TestApi, uriOf } from './support/open-api.ts';

const DIM = 8;
const COUNT = 300;
const MODEL = 'm@000000000001';
const vectors = clusteredVectors(COUNT, DIM);
const [query] = clusteredVectors(1, DIM, 2) as [Float32Array];
/** A cursor after as many hits as a search gives out. */
const AT_THE_END = Buffer.from(JSON.stringify([0.5, 1, 10_000, MODEL])).toString('base64url');
const reader = createToken('read');

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  const set = { datasetId: 'photos', modelKey: MODEL, dim: DIM };
  await fillWithVectors(bench.store, set, vectors, (seq) => ({
    tags: seq % 50 === 0 ? ['rare'] : [],
    ...(seq === 4 ? { status: 'failed' } : {}),
  }));
  await collectionsOf(bench.store).embeddings.deleteOne({ dataset_id: 'photos', seq: 4 });
  await fillDataset(bench.store, 'bare', 3);
  await fillWithPictures();
  api = await openTestApi(bench.store, { taskQueue: 'nobody' });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

/** `pictures`: drawn pictures with the vectors of the built-in model. */
async function fillWithPictures(): Promise<void> {
  const embedder = createEmbedder({ threads: 1 });
  try {
    const { default: medium } = knownMedia();
    const { key, dim } = await embedder.open('color-gradient-grid', medium);
    const items = await Promise.all([0, 1, 2].map(async (number) => ({ bytes: await drawPicture(number) })));
    const outcomes = await embedder.embed('color-gradient-grid', medium, items);
    const found = outcomes.map((outcome) => ('vector' in outcome ? outcome.vector : new Float32Array()));
    await fillWithVectors(bench.store, { datasetId: 'pictures', modelKey: key, dim }, found);
  } finally {
    await embedder.close();
  }
}

function bruteForce(of: Float32Array, limit: number, allowed: (seq: number) => boolean = () => true): number[] {
  return vectors
    .map((vector, seq) => ({ seq, score: dot(of, vector) }))
    .filter(({ seq }) => seq !== 4 && allowed(seq))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ seq }) => seq);
}

const search = (body: unknown, dataset = 'photos') => api.post(`/api/datasets/${dataset}/search`, body);
const upload = (body: Uint8Array, type = 'image/jpeg', path = '/api/datasets/pictures/search') =>
  api.call('POST', path, { headers: { 'content-type': type }, body: new Blob([Buffer.from(body)]).stream() });
const seqsOf = ({ json }: { json: { hits: { seq: number }[] } }) => json.hits.map(({ seq }) => seq);
const vector = [...query];

describe('a search', () => {
  test('by a vector gives samples, best first, with their paths', async () => {
    const answer = await search({ vector });
    expect(answer.status).toBe(200);
    expect(seqsOf(answer)).toEqual(bruteForce(query, 20));
    const { json } = answer;
    expect(json).toMatchObject({ dataset: 'photos', model_key: MODEL, exact: true, next: expect.any(String) });
    const [first] = json.hits;
    expect(first).toMatchObject({
      filepath: expect.stringContaining(SOURCE),
      score: expect.closeTo(dot(query, vectors[first.seq] as Float32Array), 5),
      sample: { seq: first.seq, path: expect.stringMatching(/^photos\//), filepath: first.filepath },
    });
  });

  test('goes on by its cursor', async () => {
    const first = await search({ vector, limit: 5 });
    const second = await search({ vector, limit: 5, cursor: first.json.next });
    expect([...seqsOf(first), ...seqsOf(second)]).toEqual(bruteForce(query, 10));
  });

  test('filters as the list of samples does', async () => {
    const rare = bruteForce(query, 20, (seq) => seq % 50 === 0);
    expect(seqsOf(await search({ vector, filter: { tag: 'rare' } }))).toEqual(rare);
    const folder = bruteForce(query, 20, (seq) => seq % 10 === 3);
    expect(seqsOf(await search({ vector, filter: { path_prefix: 'photos/3/' } }))).toEqual(folder);
    expect(seqsOf(await search({ vector, filter: { q: 'IMG-000001', max_bytes: 1013 } }))).toEqual(
      bruteForce(query, 20, (seq) => seq >= 10 && seq <= 13),
    );
    const none = await search({ vector, filter: { tag: 'nobody' } });
    expect([none.status, none.json.hits, none.json.next]).toEqual([200, [], null]);
  });

  test('by a sample leaves it out, at both addresses', async () => {
    const wanted = bruteForce(vectors[7] as Float32Array, 11).slice(1);
    expect(seqsOf(await search({ sample: 7, limit: 10 }))).toEqual(wanted);
    expect(seqsOf(await api.get('/api/datasets/photos/samples/7/similar?limit=10'))).toEqual(wanted);
    const filtered = await api.get('/api/datasets/photos/samples/7/similar?tag=rare&model=m&limit=2');
    expect(seqsOf(filtered)).toEqual(bruteForce(vectors[7] as Float32Array, 2, (seq) => seq % 50 === 0));
    const next = await api.get(`/api/datasets/photos/samples/7/similar?tag=rare&cursor=${filtered.json.next}`);
    expect(seqsOf(next)).toEqual(bruteForce(vectors[7] as Float32Array, 20, (seq) => seq % 50 === 0).slice(2));
  });

  test.each(['image/jpeg', 'application/octet-stream'])('by a picture finds it: %s', async (type) => {
    const answer = await upload(await drawPicture(1), type, '/api/datasets/pictures/search?limit=2');
    expect(answer.status).toBe(200);
    expect(seqsOf(answer)).toHaveLength(2);
    expect(answer.json.hits[0]).toMatchObject({ seq: 1, score: expect.closeTo(1, 5) });
  });

  test('leaves out a sample that is removed before it is presented', async () => {
    await fillWithVectors(bench.store, { datasetId: 'shrinking', modelKey: MODEL, dim: DIM }, vectors.slice(0, 5));
    const find = api.context.searcher.searchSamples;
    searchBy(async (...asked) => {
      const { answer, samples } = await find(...asked);
      return { answer, samples: new Map([...samples].filter(([seq]) => seq !== answer.hits[0]?.seq)) };
    });
    expect(seqsOf(await search({ vector }, 'shrinking'))).toHaveLength(4);
  });
});

/** Puts another search in the place of the server's. */
function searchBy(search: Searcher['searchSamples']): void {
  const { searcher } = api.context;
  const before = searcher.searchSamples;
  searcher.searchSamples = search;
  onTestFinished(() => {
    searcher.searchSamples = before;
  });
}

describe('a busy server', () => {
  test('reads pictures of 128 MiB together, and the others after them', async () => {
    const begun: PromiseWithResolvers<void>[] = [];
    searchBy(async () => {
      const one = Promise.withResolvers<void>();
      begun.push(one);
      await one.promise;
      const answer = { dataset: 'pictures', model_key: MODEL, exact: true, hits: [], next: null };
      return { answer: { ...answer, mode: 'vector' as const }, samples: new Map() };
    });
    const headers = { 'content-type': 'image/jpeg', 'content-length': String(MOST_PICTURE_BYTES) };
    let read = 0;
    const asked = Array.from({ length: 5 }, () => {
      const body = new ReadableStream(
        {
          pull(controller) {
            read += 1;
            controller.enqueue(new Uint8Array(1));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      return api.call('POST', '/api/datasets/pictures/search', { headers, body });
    });
    await expect.poll(() => begun.length).toBeGreaterThanOrEqual(4);
    expect(read).toBe(4);
    begun[0]?.resolve();
    await expect.poll(() => begun.length).toBe(5);
    for (const one of begun) one.resolve();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  test('says so where the model does not answer', async () => {
    searchBy(async () => {
      throw new InferenceUnavailableError('The process ended 20 times.');
    });
    const answer = await search({ text: 'a cat' });
    expect([answer.status, answer.json.code]).toEqual([503, 'InferenceUnavailable']);
  });

  test('logs no fault where the caller has left', async () => {
    const leaving = new AbortController();
    const begun = Promise.withResolvers<void>();
    searchBy(async (_, { signal } = {}) => {
      begun.resolve();
      await once(signal as AbortSignal, 'abort');
      throw signal?.reason;
    });
    const answer = api.api.fetch(
      new Request('http://localhost/api/datasets/photos/samples/7/similar', { signal: leaving.signal }),
    );
    await begun.promise;
    leaving.abort();
    expect((await answer).status).toBe(503);
    expect(api.faults).toEqual([]);
  });
});

test('a search whose filter takes too long says what to narrow', async () => {
  const aggregate = vi.spyOn(Collection.prototype, 'aggregate').mockReturnValue({
    toArray: async () => {
      throw new MongoServerError({ message: 'operation exceeded time limit', code: 50 });
    },
  } as never);
  onTestFinished(() => aggregate.mockRestore());
  const { status, json } = await search({ vector, filter: { q: 'img', min_bytes: 1 } });
  expect([status, json.code]).toEqual([503, 'TooSlow']);
  expect(json.detail).toBe(
    "The samples of photos that match the filter can't be found in 10 seconds. Narrow it by what has an index: a status, " +
      'a tag, an error or a format.',
  );
});

describe('a caller of read scope', () => {
  let guarded: TestApi;
  const headers = { authorization: `Bearer ${reader.token}` };
  beforeAll(async () => {
    guarded = await openTestApi(bench.store, { tokens: await readTokens({ PLIMSOLL_API_TOKENS: reader.line }) });
  });
  afterAll(() => guarded?.close());

  test('may search, and sees no absolute path', async () => {
    for (const answer of [
      await guarded.post('/api/datasets/photos/search', { vector }, headers),
      await guarded.get('/api/datasets/photos/samples/7/similar', headers),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.json.hits[0]).toMatchObject({ filepath: null, sample: { filepath: null } });
      expect(JSON.stringify(answer.json)).not.toContain(SOURCE);
    }
  });

  test('learns no folder of a model', async () => {
    // This folder is there, and holds no model.
    const modelKey = `${bench.folder}@000000000001`;
    await fillWithVectors(bench.store, { datasetId: 'elsewhere', modelKey, dim: DIM }, vectors.slice(0, 3));
    const seen = await guarded.post('/api/datasets/elsewhere/search', { text: 'a cat' }, headers);
    expect([seen.status, seen.json.code]).toEqual([409, 'ModelNotHere']);
    expect(seen.json.detail).not.toContain(bench.folder);
    const all = await search({ text: 'a cat' }, 'elsewhere');
    expect(all.json.detail).toContain(join(bench.folder, 'preprocessor_config.json'));
  });

  test('needs a token', async () => {
    expect((await guarded.post('/api/datasets/photos/search', { vector })).status).toBe(401);
  });
});

describe('bad input', () => {
  test.each<[string, unknown, string | undefined, number, string]>([
    ['no such dataset', { vector }, 'nobody', 404, 'DatasetNotFound'],
    ['a dataset without vectors', { vector }, 'bare', 409, 'NoVectors'],
    ['an unknown model', { vector, model: 'clip' }, undefined, 404, 'ModelNotInDataset'],
    ['words for a model that is not here', { text: 'a cat' }, undefined, 409, 'ModelNotHere'],
    ['words for a model without a text side', { text: 'a cat' }, 'pictures', 422, 'ModelHasNoText'],
    ['no query', {}, undefined, 422, 'InvalidInput'],
    ['two queries', { vector, text: 'a cat' }, undefined, 422, 'InvalidInput'],
    ['a limit of 0', { vector, limit: 0 }, undefined, 422, 'InvalidInput'],
    ['a limit of 1001', { vector, limit: 1001 }, undefined, 422, 'InvalidInput'],
    ['a vector that is too short', { vector: [1, 2] }, undefined, 422, 'InvalidVector'],
    ['a vector of zeros', { vector: vector.map(() => 0) }, undefined, 422, 'InvalidVector'],
    ['an empty vector', { vector: [] }, undefined, 422, 'InvalidInput'],
    ['a vector with null', { vector: [...vector.slice(1), null] }, undefined, 422, 'InvalidInput'],
    ['no such sample', { sample: COUNT }, undefined, 404, 'SampleNotFound'],
    ['a sample without a vector', { sample: 4 }, undefined, 409, 'SampleWithoutVector'],
    ['a broken cursor', { vector, cursor: 'x' }, undefined, 422, 'InvalidInput'],
    ['an unknown filter', { vector, filter: { colour: 'red' } }, undefined, 422, 'InvalidInput'],
    ['the path of a picture', { picture: '/etc/passwd' }, undefined, 422, 'InvalidInput'],
    ['no words', { text: '' }, undefined, 422, 'InvalidInput'],
  ])('is answered in words: %s', async (_, body, dataset, status, code) => {
    const answer = await search(body, dataset);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  test('a number beyond all bounds is refused', async () => {
    const body = `{"vector": [${[...vector.slice(1).map(String), '1e999'].join()}]}`;
    const answer = await api.call('POST', '/api/datasets/photos/search', {
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([answer.status, answer.json.code]).toEqual([422, 'InvalidInput']);
  });

  test.each<[string, number, string]>([
    ['/api/datasets/photos/samples/7/similar?limit=0', 400, 'InvalidParameter'],
    ['/api/datasets/photos/samples/7/similar?limit=1001', 400, 'InvalidParameter'],
    ['/api/datasets/photos/samples/7/similar?cursor=x', 400, 'InvalidParameter'],
    [`/api/datasets/photos/samples/7/similar?cursor=${AT_THE_END}`, 400, 'InvalidParameter'],
    ['/api/datasets/photos/samples/7/similar?colour=red', 400, 'InvalidParameter'],
    ['/api/datasets/photos/samples/4/similar', 409, 'SampleWithoutVector'],
    [`/api/datasets/photos/samples/${COUNT}/similar`, 404, 'SampleNotFound'],
    ['/api/datasets/bare/samples/1/similar', 409, 'NoVectors'],
  ])('is answered in words: %s', async (path, status, code) => {
    const { status: answered, json } = await api.get(path);
    expect([answered, json.code]).toEqual([status, code]);
  });

  test('of a picture: what is none, and what is not sent as one', async () => {
    const none = await upload(Buffer.from('a shopping list'));
    expect([none.status, none.json.code]).toEqual([422, 'PictureUnreadable']);
    const empty = await upload(new Uint8Array());
    expect([empty.status, empty.json.code]).toEqual([422, 'PictureUnreadable']);
    const form = await upload(await drawPicture(1), 'multipart/form-data');
    expect([form.status, form.json.code]).toEqual([415, 'UnsupportedMediaType']);
    const limit = await upload(await drawPicture(1), 'image/jpeg', '/api/datasets/pictures/search?limit=0');
    expect([limit.status, limit.json.code]).toEqual([400, 'InvalidParameter']);
    const elsewhere = await upload(await drawPicture(1), 'image/jpeg', '/api/datasets/pictures/tags');
    expect(elsewhere.status).toBe(415);
  });

  test('of parameters beside a body in JSON', async () => {
    const answer = await api.post('/api/datasets/photos/search?limit=3', { vector });
    expect([answer.status, answer.json.code]).toEqual([400, 'InvalidParameter']);
  });
});

describe('an upload of 100 MB', () => {
  test.each([true, false])('is refused before it is read whole, announced or not: %s', async (announced) => {
    const server = await startApi(settingsFor(uriOf(bench.store), { taskQueue: 'nobody' }), () => {});
    onTestFinished(() => server.close());
    await server.context.backends.mongodb.untilReady();
    const size = 100_000_000;
    let sent = 0;
    const answer = await new Promise<{ status: number; code: string }>((resolve, reject) => {
      const headers = { 'content-type': 'image/jpeg', ...(announced ? { 'content-length': String(size) } : {}) };
      const asking = request(`${server.url}/api/datasets/pictures/search`, { method: 'POST', headers });
      let answered = false;
      asking.on('response', async (response) => {
        answered = true;
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        resolve({ status: response.statusCode ?? 0, code: JSON.parse(text).code });
        asking.destroy();
      });
      asking.on('error', (error) => answered || reject(error));
      const piece = Buffer.alloc(2 ** 20);
      const send = () => {
        if (answered || sent >= size) return;
        sent += piece.length;
        asking.write(piece, () => setImmediate(send));
      };
      send();
    });
    expect(answer).toEqual({ status: 413, code: 'BodyTooLarge' });
    expect(sent).toBeLessThan(size);
    if (announced) expect(sent).toBeLessThan(MOST_PICTURE_BYTES);
  });
});
