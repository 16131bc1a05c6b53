import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { NamedImage } from '../../core/annotations/formats/format.ts';
import { createMatcher, type Matcher } from '../../core/annotations/match.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import type { Store } from '../../core/store/store.ts';

let store: Store;

beforeAll(async () => {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test-match-${randomUUID().slice(0, 8)}`;
  store = openStore(uri.href);
  await prepareDatabase(store);
});
afterAll(async () => {
  await store.client.db(store.database).dropDatabase();
  await store.close();
});

/** A dataset with samples at these paths. Those that begin with `!` are missing. */
async function datasetOf(paths: readonly string[]): Promise<string> {
  const datasetId = randomUUID();
  const samples = paths.map((path, seq) => ({
    dataset_id: datasetId,
    seq,
    filepath: path.replace(/^!/, ''),
    part: 0,
    status: path.startsWith('!') ? 'missing' : 'indexed',
    tags: [],
  }));
  await collectionsOf(store).samples.insertMany(samples as unknown as SampleDocument[]);
  return datasetId;
}

async function matcherOf(paths: readonly string[], roots: readonly string[] = ['/photos']): Promise<Matcher> {
  const datasetId = await datasetOf(paths);
  return createMatcher(store, { datasetId, field: 'ground_truth', set: 'one' }, { roots }, () => undefined);
}

/** The paths of the samples that images mean, or why they mean none. */
async function matchAll(matcher: Matcher, images: readonly (NamedImage | undefined)[]): Promise<string[]> {
  const annotated = images.map((image, n) => ({
    key: String(n),
    ...(image && { image }),
    tags: [],
    parts: [],
    tooMany: false,
  }));
  const matches = await matcher.match(annotated);
  return matches.map((match) => (typeof match === 'string' ? match : match.filepath));
}

const match = async (paths: readonly string[], image: NamedImage, roots?: readonly string[]) =>
  (await matchAll(await matcherOf(paths, roots), [image]))[0];

it.each<[string, string[], NamedImage, string]>([
  [
    'the place that the format says',
    ['/x/a.jpg', '/y/a.jpg'],
    { name: 'a.jpg', paths: ['/z/a.jpg', '/y/a.jpg'] },
    '/y/a.jpg',
  ],
  ['the place before the source', ['/photos/a.jpg', '/y/a.jpg'], { name: 'a.jpg', paths: ['/y/a.jpg'] }, '/y/a.jpg'],
  ['the source', ['/photos/t/a.jpg', '/photos/t/b/t/a.jpg'], { name: 't/a.jpg' }, '/photos/t/a.jpg'],
  ['dots of no meaning', ['/photos/t/a.jpg'], { name: './t//a.jpg' }, '/photos/t/a.jpg'],
  ['a name of Windows', ['/photos/t/a.jpg', '/photos/a.jpg'], { name: 't\\a.jpg' }, '/photos/t/a.jpg'],
  ['an absolute name', ['/photos/t/a.jpg', '/photos/photos/t/a.jpg'], { name: '/photos/t/a.jpg' }, '/photos/t/a.jpg'],
  ['one of another machine', ['/photos/t/a.jpg', '/photos/v/a.jpg'], { name: '/home/me/t/a.jpg' }, '/photos/t/a.jpg'],
  ['one of another Windows', ['/photos/t/a.jpg', '/photos/v/a.jpg'], { name: 'C:\\me\\v\\a.jpg' }, '/photos/v/a.jpg'],
  ['a base name', ['/photos/t/a.jpg', '/photos/t/b.jpg'], { name: 'a.jpg' }, '/photos/t/a.jpg'],
  ['the end of a path', ['/photos/x/t/a.jpg', '/photos/x/v/a.jpg'], { name: 't/a.jpg' }, '/photos/x/t/a.jpg'],
  ['whole parts only', ['/photos/x/at/a.jpg'], { name: 't/a.jpg' }, 'none'],
  ['no other extension', ['/photos/a.png'], { name: 'a.jpg', paths: ['/photos/a.jpg'] }, 'none'],
  ['no name of several', ['/photos/t/a.jpg', '/photos/v/a.jpg'], { name: 'a.jpg' }, 'several'],
  ['no absolute name of several', ['/photos/1/t/a.jpg', '/photos/2/t/a.jpg'], { name: '/x/t/a.jpg' }, 'several'],
  ['none by the last part of an absolute name', ['/photos/v/a.jpg'], { name: '/x/t/a.jpg' }, 'none'],
  ['no missing sample', ['!/photos/a.jpg'], { name: 'a.jpg', paths: ['/photos/a.jpg'] }, 'none'],
  ['the one of two that is there', ['!/photos/t/a.jpg', '/photos/v/a.jpg'], { name: 'a.jpg' }, '/photos/v/a.jpg'],
  ['no name that leads upwards', ['/photos/a.jpg', '/a.jpg'], { name: '../a.jpg' }, 'none'],
  ['nor one of Windows', ['/photos/a.jpg', '/photos/t/a.jpg'], { name: 't\\..\\a.jpg' }, 'none'],
  ['no prefix of an ID', ['/photos/a1.jpg'], { name: 'a', anyExtension: true, paths: ['/photos/a'] }, 'none'],
])('finds %s', async (_, paths, image, found) => {
  expect(await match(paths, image)).toBe(found);
});

it.each<[string, string[], Omit<NamedImage, 'anyExtension'>, string]>([
  ['at a place', ['/y/a.webp', '/x/a.jpg'], { name: 'a', paths: ['/z/a', '/y/a'] }, '/y/a.webp'],
  ['that no format has', ['/y/a.JPG_large'], { name: 'a', paths: ['/y/a'] }, '/y/a.JPG_large'],
  ['below the source', ['/photos/t/a.png', '/photos/t/b.png'], { name: 't/a' }, '/photos/t/a.png'],
  ['by the base name', ['/photos/t/a.png', '/photos/t/a/b.png'], { name: 'a' }, '/photos/t/a.png'],
  ['by the end of the path', ['/photos/x/t/a.png', '/photos/x/v/a.png'], { name: 't/a' }, '/photos/x/t/a.png'],
  ['of a name with dots', ['/photos/a.rf.1.jpg', '/photos/a.rf.2.jpg'], { name: 'a.rf.1' }, '/photos/a.rf.1.jpg'],
  ['but not two at one place', ['/y/a.jpg', '/y/a.png'], { name: 'a', paths: ['/y/a'] }, 'several'],
  ['but not of two base names', ['/photos/t/a.jpg', '/photos/v/a.png'], { name: 'a' }, 'several'],
  ['and the very name first', ['/y/a.jpg', '/y/a.png'], { name: 'a.png', paths: ['/y/a.png', '/y/a'] }, '/y/a.png'],
  [
    'and the very base name first',
    ['/photos/t/a.jpg', '/photos/t/a.png'],
    { name: 'a.png', otherNames: ['a'] },
    '/photos/t/a.png',
  ],
  [
    'of characters that patterns have',
    ['/y/a+(1)[b].$^|{2}\\.jpg'],
    { name: 'x', paths: ['/y/a+(1)[b].$^|{2}\\'] },
    '/y/a+(1)[b].$^|{2}\\.jpg',
  ],
  ['and takes no character for a pattern', ['/y/abc.jpg'], { name: 'x', paths: ['/y/a.c', '/y/.*'] }, 'none'],
  ['of a file, not of a folder', ['/y/a.d/b.jpg'], { name: 'a', paths: ['/y/a'] }, 'none'],
  [
    'and not of what no file has',
    ['/y/a.jpg'],
    { name: 'b\0', paths: ['/y/b\0', `/y/${'b'.repeat(1 << 20)}`] },
    'none',
  ],
])('any extension is found %s', async (_, paths, image, found) => {
  expect(await match(paths, { ...image, anyExtension: true })).toBe(found);
});

it.each<[string, string[], NamedImage, string]>([
  ['below the source', ['/photos/a.jpg'], { name: '0123abcd-a.jpg', otherNames: ['a.jpg'] }, '/photos/a.jpg'],
  ['by the base name', ['/photos/t/a.jpg'], { name: '0123abcd-a.jpg', otherNames: ['a.jpg'] }, '/photos/t/a.jpg'],
  [
    'after its own',
    ['/photos/t/a.jpg', '/photos/t/b.jpg'],
    { name: 'b.jpg', otherNames: ['a.jpg'] },
    '/photos/t/b.jpg',
  ],
  [
    'only if its own is nobody’s',
    ['/photos/t/b.jpg', '/photos/v/b.jpg', '/photos/t/a.jpg'],
    { name: 'b.jpg', otherNames: ['a.jpg'] },
    'several',
  ],
])('another name is tried %s', async (_, paths, image, found) => {
  expect(await match(paths, image)).toBe(found);
});

it('names below any source of the dataset are found, in their order', async () => {
  const image = { name: 't/a.jpg' };
  expect(await match(['/two/t/a.jpg'], image, ['/one', '/two'])).toBe('/two/t/a.jpg');
  expect(await match(['/two/t/a.jpg', '/one/t/a.jpg'], image, ['/one', '/two'])).toBe('/one/t/a.jpg');
  expect(await match(['s3://bucket/t/a.jpg'], image, ['s3://bucket'])).toBe('s3://bucket/t/a.jpg');
});

it('images of one batch are found at different places, and those without a name nowhere', async () => {
  const paths = Array.from({ length: 700 }, (_, n) => `/photos/${n % 2 === 0 ? 'even' : 'odd'}/${n}.jpg`);
  const matcher = await matcherOf(paths);
  const images = paths.map((_, n) => ({
    name: `${n}`,
    anyExtension: true as const,
    paths: [`/photos/even/${n}`, `/photos/odd/${n}`],
  }));
  expect(await matchAll(matcher, [...images, undefined])).toEqual([...paths, 'none']);
  expect(await matchAll(matcher, images.toReversed())).toEqual(paths.toReversed());
});

it('the usual place is no reason to pass over the very name', async () => {
  const paths = ['/y/a.jpg', '/y/b.jpg', '/y/b.png'];
  const image = (name: string) => ({
    name,
    anyExtension: true as const,
    paths: [`/y/${name}`, `/y/${name.slice(0, 1)}`],
  });
  const matcher = await matcherOf(paths);
  // The first was converted since: its usual place is that of the stem.
  expect(await matchAll(matcher, [image('a.bmp')])).toEqual(['/y/a.jpg']);
  expect(await matchAll(matcher, [image('b.png')])).toEqual(['/y/b.png']);
  expect(await matchAll(matcher, [image('b.bmp')])).toEqual(['several']);
});
