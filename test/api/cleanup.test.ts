import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { insertRecord } from '../jobs/records.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const reader = createToken('read');
const operator = createToken('operate');
let bench: Workbench;
let api: TestApi;

/** Job IDs by what their records are: Temporal is asked about those without an end, so they must look like its own. */
const NAMES = ['a-completed', 'b-failed', 'c-canceled', 'd-other', 'e-lost', 'f-recent'];
const idOf = (name: string) => `00000000-0000-4000-8000-00000000000${NAMES.indexOf(name)}`;
const nameOf = (id: string) => NAMES[Number(id.at(-1))] as string;

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
const left = async () =>
  (await collectionsOf(bench.store).jobs.find().sort({ _id: 1 }).toArray()).map(({ _id }) => nameOf(_id));
const cleanUp = (query: string, { token } = operator) =>
  api.call('DELETE', `/api/jobs${query}`, { headers: { authorization: `Bearer ${token}` } });

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  api = await openTestApi(bench.store, {
    tokens: await readTokens({ PLIMSOLL_API_TOKENS: `${reader.line} ${operator.line}` }),
  });
});
beforeEach(async () => {
  await collectionsOf(bench.store).jobs.deleteMany({});
  const record = (name: string, days: number, more: object = {}) =>
    insertRecord(bench.store, { _id: idOf(name), dataset_id: 'photos', started_at: daysAgo(days), ...more });
  await record('a-completed', 40);
  await record('b-failed', 39, { state: 'failed' });
  await record('c-canceled', 38, { state: 'canceled' });
  await record('d-other', 37, { dataset_id: 'others' });
  await record('e-lost', 36, { state: 'running' });
  await record('f-recent', 10);
});
afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const namesOf = (jobs: { job_id: string }[]) => jobs.map(({ job_id }) => nameOf(job_id));

test('removes what ended longer ago, the oldest first, and leaves the rest', async () => {
  const answer = await cleanUp('?older_than=30d');
  expect(answer.json).toMatchObject({ dry_run: false, lost: [idOf('e-lost')] });
  expect(namesOf(answer.json.jobs)).toEqual(['a-completed', 'b-failed', 'c-canceled', 'd-other']);
  expect(await left()).toEqual(['e-lost', 'f-recent']);
  expect(namesOf((await cleanUp('?older_than=30d')).json.jobs)).toEqual([]);
});

test('only says so in a dry run', async () => {
  const before = await left();
  const answer = await cleanUp('?older_than=30d&dry_run=true');
  expect(answer.json.dry_run).toBe(true);
  expect(namesOf(answer.json.jobs)).toEqual(['a-completed', 'b-failed', 'c-canceled', 'd-other']);
  expect(await left()).toEqual(before);
});

test.each([
  ['of a dataset', '&dataset=others', ['d-other']],
  ['in a state', '&state=failed', ['b-failed']],
  ['in several states', '&state=failed&state=canceled&dataset=photos', ['b-failed', 'c-canceled']],
])('keeps to jobs %s', async (_, query, expected) => {
  const before = await left();
  expect(namesOf((await cleanUp(`?older_than=720h${query}`)).json.jobs)).toEqual(expected);
  expect(await left()).toEqual(before.filter((id) => !expected.includes(id)));
});

test('removes lost jobs where it is told to', async () => {
  expect((await cleanUp('?older_than=30d&dataset=photos&lost=true')).json.lost).toEqual([idOf('e-lost')]);
  expect(await left()).toEqual(['d-other', 'f-recent']);
});

test.each<[string, string]>([
  ['', 'older_than'],
  ['?dry_run=true', 'older_than'],
  ['?older_than=', 'older_than'],
  ['?older_than=30', 'older_than'],
  ['?older_than=0d', 'older_than'],
  ['?older_than=-3d', 'older_than'],
  ['?older_than=100y', 'older_than'],
  ['?older_than=30d&older_than=1d', 'older_than'],
  ['?older_than=1d&state=running', 'state.0'],
  ['?older_than=1d&dataset=No', 'dataset'],
  ['?older_than=1d&dry_run=maybe', 'dry_run'],
  ['?older_than=1d&older=1d', ''],
])('%s is refused, and nothing removed', async (query, field) => {
  const before = await left();
  const { status, json } = await cleanUp(query);
  expect([status, json.code, json.errors[0].field]).toEqual([400, 'InvalidParameter', field]);
  expect(await left()).toEqual(before);
});

test('is not for who may only read', async () => {
  const before = await left();
  expect((await cleanUp('?older_than=1d', reader)).json.code).toBe('ScopeMissing');
  expect(await left()).toEqual(before);
});

test('the list takes several states and kinds, too', async () => {
  const list = async (query: string) => {
    const { json } = await api.get(`/api/jobs?${query}`, { authorization: `Bearer ${reader.token}` });
    return namesOf(json.jobs);
  };
  expect(await list('state=completed&state=canceled')).toEqual(['f-recent', 'd-other', 'c-canceled', 'a-completed']);
  expect(await list('state=canceled')).toEqual(['c-canceled']);
  expect(await list('kind=prune&kind=retry')).toEqual([]);
});
