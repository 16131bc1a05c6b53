import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { operationsOf } from './support/conformance.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let ajv: Ajv2020;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 1);
  api = await openTestApi(bench.store, { taskQueue: 'nobody' });
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(api.api.document, 'api');
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const load = { dataset: 'photos', source: '/data' };
const csv = { target: '/out', format: 'csv' };
const vectors = { path: '/data/vectors.npy', model_key: 'mine@1' };

/** Each body breaks one rule between fields. Behind it, one that keeps the rule. */
const BODIES: [component: string, address: string, broken: object[], kept: object[]][] = [
  [
    'TagRequest',
    '/api/datasets/photos/tags',
    [
      { add: ['a'] },
      { add: ['a'], seqs: [1], filter: {} },
      { seqs: [1] },
      { add: [], seqs: [1] },
      { add: [], remove: [], filter: {} },
    ],
    [
      { add: ['a'], seqs: [1] },
      { remove: ['a'], filter: {} },
    ],
  ],
  [
    'SearchRequest',
    '/api/datasets/photos/search',
    [{}, { text: 'a', sample: 1 }, { text: 'a', vector: [1] }, { vector: [1], sample: 1 }],
    [{ text: 'a' }, { vector: [1] }, { sample: 1 }],
  ],
  [
    'ScheduleRequest',
    '/api/schedules',
    [
      { name: 'n', load },
      { name: 'n', load, cron: '0 3 * * *', every_seconds: 60 },
    ],
    [
      { name: 'n', load, cron: '0 3 * * *' },
      { name: 'n', load, every_seconds: 60 },
    ],
  ],
  [
    'AnnotateRequest',
    '/api/datasets/photos/annotate',
    [{}, { remove: 'field', annotations: { paths: ['/a'] } }],
    [{ remove: 'field' }, { annotations: { paths: ['/a'] } }],
  ],
  [
    'ExportRequest',
    '/api/datasets/photos/export',
    [
      { ...csv, task: 'detect' },
      { ...csv, vectors: 'm' },
    ],
    [csv, { ...csv, format: 'yolo', task: 'detect' }, { ...csv, format: 'npy', vectors: 'm' }],
  ],
  [
    'ImportVectorsRequest',
    '/api/datasets/photos/vectors',
    [
      { ...vectors, path: '/data/vectors.jsonl', by_seq: true },
      { ...vectors, path: '/data/vectors.jsonl', samples: '/data/samples.jsonl' },
      { ...vectors, by_seq: true, samples: '/data/samples.jsonl' },
    ],
    [
      { ...vectors, by_seq: true },
      { ...vectors, path: '/data/vectors.jsonl', by_seq: false },
    ],
  ],
  [
    'LoadRequest',
    '/api/loads',
    [{ ...load, embed_window: { start: '22:00', end: '06:00', time_zone: 'No zone' } }],
    [{ ...load, embed_window: { start: '22:00', end: '06:00', time_zone: 'Europe/Zurich' } }],
  ],
];

describe('the schema says the rules between fields, as the server keeps them', () => {
  test.each(BODIES)('%s', async (component, address, broken, kept) => {
    const validate = ajv.getSchema(`api#/components/schemas/${component}`);
    for (const body of kept) expect(validate?.(body), JSON.stringify(body)).toBe(true);
    for (const body of broken) {
      expect(validate?.(body), JSON.stringify(body)).toBe(false);
      const { json } = await api.post(address, body);
      expect(json, JSON.stringify(body)).toMatchObject({ code: expect.stringMatching(/^Invalid(Input|Schedule)$/) });
    }
  });

  test('of a tag request, in plain words', async () => {
    const { json } = await api.post('/api/datasets/photos/tags', { seqs: [0] });
    expect(json.detail).toBe('add must name a tag, or remove must: both are empty');
  });
});

test.each([
  ['/api/jobs', 'DELETE', 'older_than', ['soon', '3', '', '1.d'], ['30d', '1h30m', '1.5 hours']],
  ['/api/sources/folders', 'GET', 'path', ['photos', './a', '', '/a\0'], ['/', '/data']],
  ['/api/jobs', 'GET', 'cursor', ['', 'a b', 'ä'], ['MTIzL2E']],
  ['/api/datasets/photos/duplicates', 'GET', 'cursor', ['', 'a b', 'ä'], ['MS9h']],
  ['/api/datasets/photos/samples/0/similar', 'GET', 'cursor', ['', 'a b', 'ä'], ['W10']],
])('of %s, the schema of the parameter knows what is refused', async (address, method, name, refused, taken) => {
  const operation = operationsOf(api.api.document).find(
    (one) => one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(address),
  );
  const validate = ajv.compile(operation?.parameters?.find((one) => one.name === name)?.schema as object);
  for (const value of taken) expect(validate(value), value).toBe(true);
  for (const value of refused) {
    expect(validate(value), value).toBe(false);
    const { json } = await api.call(method, `${address}?${new URLSearchParams({ [name]: value })}`);
    expect(json).toMatchObject({ code: 'InvalidParameter', errors: [{ field: name }] });
  }
});

test('every operation has a name of its own, and the document says where the server is and what its license is', () => {
  const operations = operationsOf(api.api.document);
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(operations.length);
  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
  expect(api.api.document.servers?.[0]?.url).toBe('/');
  expect(api.api.document.info.license).toEqual({ name: 'MIT', identifier: 'MIT' });
});

test('a wait ends by itself before httpx gives up, which is after 5 s', () => {
  const wait = operationsOf(api.api.document).find(({ operationId }) => operationId === 'waitForJob');
  const timeout = wait?.parameters?.find(({ name }) => name === 'timeout')?.schema as { default: number };
  expect(timeout.default).toBeLessThan(5);
});

test('a pattern means the same in every language: it has no flags', () => {
  const patterns = [...JSON.stringify(api.api.document).matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)];
  expect(patterns.length).toBeGreaterThan(10);
  for (const [, pattern] of patterns) expect(pattern).not.toMatch(/\/[a-z]+$/);
});
