import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import type { DocumentChunk, DocumentPage } from '../../api/schemas/documents.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let folder: string;

const SECTIONS = 12;
const sentences = (word: string) =>
  Array.from({ length: 8 }, (_, i) => `Sentence ${i} of ${word} says little.`).join(' ');
const GUIDE = `# The guide\n\n${Array.from({ length: SECTIONS }, (_, i) => `## Part ${i}\n\n${sentences(`part ${i}`)}\n`).join('\n')}`;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  folder = join(bench.folder, 'manuals');
  await mkdir(folder);
  await writeFile(join(folder, 'guide.md'), GUIDE);
  await writeFile(join(folder, 'note.txt'), 'Größe: 3 m.');
  await writeFile(join(folder, 'page.py'), 'print("<script>alert(1)</script>")\n');
  await writeFile(join(folder, 'empty.txt'), '');
  await writeFile(join(folder, 'gone.txt'), 'Soon gone.');
  api = await openTestApi(bench.store, { sourceRoots: [bench.folder] });
  await load();
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const load = () =>
  bench.load({
    dataset: 'manuals',
    source: folder,
    chunks: { size: 200, overlap: 60, unit: 'characters' },
    embed: false,
  });

const path = (seq: number) => `/api/datasets/manuals/samples/${seq}`;
const read = async (seq: number, query = ''): Promise<DocumentPage> =>
  (await api.get(`${path(seq)}/document${query}`)).json;

/** The number of the sample of a file, by its part. */
async function seqOf(name: string, part = 0, dataset = 'manuals'): Promise<number> {
  const found = await collectionsOf(bench.store).samples.findOne({
    dataset_id: dataset,
    part,
    filepath: { $regex: `/${name}$` },
  });
  return found?.seq as number;
}

/** The text of chunks in a row, without their overlaps. What no chunk holds is white space. */
function stitched(chunks: readonly DocumentChunk[]): string {
  let text = '';
  for (const chunk of chunks)
    text = `${text}${' '.repeat(Math.max(0, chunk.start - text.length))}${chunk.text.slice(Math.max(0, text.length - chunk.start))}`;
  return text;
}

describe('a document', () => {
  test('is given in order, with the place of each chunk, so that its text can be put together', async () => {
    const { chunks, ...about } = await read(await seqOf('guide.md'), '?limit=500');
    expect(about).toEqual({
      path: 'manuals/guide.md',
      filepath: join(folder, 'guide.md'),
      title: 'The guide',
      format: 'markdown',
      mime_type: 'text/markdown',
      count: chunks.length,
      before: 0,
      after: 0,
    });
    expect(chunks.map(({ part }) => part)).toEqual(chunks.map((_, part) => part));
    expect(chunks.length).toBeGreaterThan(SECTIONS);
    for (const { start, end, text } of chunks) expect(GUIDE.slice(start, end)).toBe(text);
    expect(chunks.some(({ start }, i) => i > 0 && start < (chunks[i - 1] as DocumentChunk).end)).toBe(true);
    expect(stitched(chunks).replaceAll(/\s+/g, ' ')).toBe(GUIDE.trim().replaceAll(/\s+/g, ' '));
    expect(chunks.at(-1)).toMatchObject({ headings: ['The guide', `Part ${SECTIONS - 1}`], seq: expect.any(Number) });
  });

  test('opens around the sample, and goes on to both sides', async () => {
    const { count } = await read(await seqOf('guide.md'));
    const middle = await seqOf('guide.md', 10);
    const around = await read(middle, '?limit=4');
    expect(around.chunks.map(({ part }) => part)).toEqual([8, 9, 10, 11]);
    expect(around.chunks[2]?.seq).toBe(middle);
    expect([around.before, around.after]).toEqual([8, count - 12]);

    const partsOf = async (seq: number, query: string) => (await read(seq, query)).chunks.map(({ part }) => part);
    expect(await partsOf(middle, '?from=12&limit=2')).toEqual([12, 13]);
    expect(await partsOf(await seqOf('guide.md', count - 1), '?limit=3')).toEqual([count - 3, count - 2, count - 1]);
    expect(await partsOf(await seqOf('guide.md'), '?limit=3')).toEqual([0, 1, 2]);
    const behind = await read(middle, `?from=${count}`);
    expect(behind).toMatchObject({ title: 'The guide', format: 'markdown', chunks: [], before: count, after: 0 });
  });

  test('holds what its file holds now', async () => {
    const before = await read(await seqOf('guide.md'));
    const last = await seqOf('guide.md', before.count - 1);
    await writeFile(join(folder, 'guide.md'), GUIDE.slice(0, GUIDE.indexOf('## Part 4')));
    await load();
    const after = await read(await seqOf('guide.md'));
    expect(after.count).toBeLessThan(before.count / 2);
    expect(after.chunks.map(({ text }) => text).join()).not.toContain('part 4');
    // The sample is not in the file any more.
    const { json } = await api.get(path(last));
    expect(json.sample.status).toBe('missing');
    expect((await read(last, '?limit=2')).chunks.map(({ part }) => part)).toEqual([0, 1]);
    await writeFile(join(folder, 'guide.md'), GUIDE);
    await load();
    expect((await read(last)).count).toBe(before.count);
  });

  test('shows no absolute path to a caller of read scope', async () => {
    const { line, token } = createToken('read');
    const tokens = await readTokens({ PLIMSOLL_API_TOKENS: line });
    const guarded = await openTestApi(bench.store, { tokens, sourceRoots: [bench.folder] });
    const { json } = await guarded.get(`${path(await seqOf('note.txt'))}/document`, {
      authorization: `Bearer ${token}`,
    });
    expect(json).toMatchObject({ path: 'manuals/note.txt', filepath: null, title: null, count: 1 });
    await guarded.close();
  });

  test('is refused where there is none: a picture, a file that could not be read, one that is missing', async () => {
    await makePictures(join(bench.folder, 'pictures'), 1);
    await bench.load({ dataset: 'pictures', source: join(bench.folder, 'pictures'), embed: false });
    const gone = await seqOf('gone.txt');
    await rm(join(folder, 'gone.txt'));
    await load();
    const refusals = [
      ['/api/datasets/pictures/samples/0/document', 'The samples of pictures are no documents.'],
      [`${path(await seqOf('empty.txt'))}/document`, 'The text of the file could not be read (empty_file).'],
      [`${path(gone)}/document`, 'The file is missing, and so is its text.'],
    ] as const;
    for (const [at, detail] of refusals) {
      const { status, json } = await api.get(at);
      expect({ status, code: json.code, detail: json.detail }).toEqual({ status: 409, code: 'NoDocument', detail });
    }
  });

  test.each(['from=-1', 'from=x', 'limit=0', 'limit=501', 'after=1'])('takes no %s', async (query) => {
    expect((await api.get(`${path(0)}/document?${query}`)).json.code).toBe('InvalidParameter');
  });
});

describe('the file of a document', () => {
  test('is shown as the text that it is, and nothing in it runs', async () => {
    const note = await api.get(`${path(await seqOf('note.txt'))}/file`);
    expect(new TextDecoder().decode(note.bytes)).toBe('Größe: 3 m.');
    expect(note.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const code = await api.get(`${path(await seqOf('page.py'))}/file`);
    expect(code.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    for (const { headers } of [note, code]) {
      expect(headers.get('content-disposition')).toMatch(/^inline; /);
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.* sandbox$/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test.each([
    ['application/pdf', /^inline/, /^default-src 'none'; object-src 'self'(?!.*sandbox)/],
    ['text/html', /^attachment/, /sandbox$/],
    ['application/epub+zip', /^attachment/, /sandbox$/],
    ['application/x-unknown', /^attachment/, /sandbox$/],
  ])('of the type %s is sent so that it is safe', async (type, disposition, policy) => {
    const seq = await seqOf('note.txt');
    const one = { dataset_id: 'manuals', seq };
    const { samples } = collectionsOf(bench.store);
    await samples.updateOne(one, { $set: { 'metadata.mime_type': type } } as object);
    const { headers } = await api.get(`${path(seq)}/file`);
    expect(headers.get('content-disposition')).toMatch(disposition);
    expect(headers.get('content-security-policy')).toMatch(policy);
    await samples.updateOne(one, { $set: { 'metadata.mime_type': 'text/plain' } } as object);
  });

  test('has no picture, and says so', async () => {
    const at = `${path(await seqOf('note.txt'))}/thumbnail`;
    const { status, headers, bytes } = await api.get(at);
    expect([status, headers.get('plimsoll-reason')]).toEqual([422, 'no_picture']);
    expect(new TextDecoder().decode(bytes)).toContain('no picture');
    const { json } = await api.get(at, { accept: 'application/json' });
    expect(json).toMatchObject({ code: 'ThumbnailFailed', detail: /chunks have no pictures/ });
  });
});

test('chunks are filtered by format, page and tokens', async () => {
  const { samples } = collectionsOf(bench.store);
  await samples.updateMany({ dataset_id: 'manuals', part: { $gte: 3, $lte: 5 } }, [
    { $set: { 'metadata.page': '$part' } },
  ]);
  const partsOf = async (query: string) =>
    (await api.get(`/api/datasets/manuals/samples?${query}`)).json.samples.map(
      ({ metadata }: { metadata: { page?: number } }) => metadata.page,
    );
  expect(await partsOf('min_page=4')).toEqual([4, 5]);
  expect(await partsOf('min_page=3&max_page=4')).toEqual([3, 4]);
  expect(await partsOf('format=code')).toEqual([undefined]);
  const { json } = await api.get('/api/datasets/manuals/samples?max_tokens=10');
  const tokens = json.samples.map((sample: { metadata: { tokens: number } }) => sample.metadata.tokens);
  expect(tokens.length).toBeGreaterThan(0);
  expect(Math.max(...tokens)).toBeLessThanOrEqual(10);
  await samples.updateMany({ dataset_id: 'manuals' }, { $unset: { 'metadata.page': true } });
});
