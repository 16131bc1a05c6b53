import { describe, expect, it } from 'vitest';
import { collectBaseNames } from '../../core/annotations/base-names.ts';
import { BUCKETS, bucketOf, createBuckets, piecesOf } from '../../core/annotations/buckets.ts';
import { isAbsoluteName, partsOfName, sharedParts } from '../../core/annotations/image-names.ts';
import { joinPieces } from '../../core/annotations/join.ts';
import { createSeqSet } from '../../core/annotations/seq-set.ts';

describe('the name of an image', () => {
  it.each([
    ['a.jpg', ['a.jpg']],
    ['train/a.jpg', ['train', 'a.jpg']],
    ['./train//a.jpg', ['train', 'a.jpg']],
    ['train\\a.jpg', ['train', 'a.jpg']],
    ['C:\\data\\a.jpg', ['data', 'a.jpg']],
    ['file:///data/a.jpg', ['data', 'a.jpg']],
  ])('%s', (name, parts) => {
    expect(partsOfName(name)).toEqual(parts);
  });

  it.each(['../a.jpg', 'train/../../etc/passwd', '..\\a.jpg', '', '/'])('%j means no image', (name) => {
    expect(partsOfName(name)).toBeUndefined();
  });

  it('an absolute name is of some machine', () => {
    expect(['/data/a.jpg', 'C:\\data\\a.jpg', '\\\\nas\\a.jpg'].map(isAbsoluteName)).toEqual([true, true, true]);
    expect(['data/a.jpg', 'c.jpg'].map(isAbsoluteName)).toEqual([false, false]);
  });

  it('is compared with a path from its end', () => {
    expect(sharedParts('/photos/train/a.jpg', ['train', 'a.jpg'])).toBe(2);
    expect(sharedParts('/photos/val/a.jpg', ['train', 'a.jpg'])).toBe(1);
    expect(sharedParts('/photos/train/ba.jpg', ['a.jpg'])).toBe(0);
  });
});

it('samples are found by the ends of their paths among a hundred thousand', async () => {
  async function* files() {
    for (let seq = 0; seq < 100_000; seq += 1)
      yield { seq, parts: [seq < 50_000 ? 'first' : 'second', `${seq % 50_000}.jpg`] };
  }
  const names = await collectBaseNames(files(), () => undefined);
  expect(names.find(['7.jpg']).sort((a, b) => a - b)).toEqual([7, 50_007]);
  expect(names.find(['any', 'second', '7.png'])).toEqual([50_007]);
  expect(names.find(['third', '7.jpg'])).toEqual([]);
  expect(names.find(['50000.jpg'])).toEqual([]);
});

describe('pieces of an image', () => {
  it('meet in one bucket, and are joined in their order', () => {
    const buckets = createBuckets();
    for (let key = 0; key < 1000; key += 1) {
      const image = { name: `${key}.jpg` };
      buckets.add(String(key), JSON.stringify({ key: String(key), image }));
    }
    for (const label of ['cat', 'dog'])
      for (let key = 0; key < 1000; key += 1)
        buckets.add(String(key), JSON.stringify({ key: String(key), unit: 'pixels', annotations: [{ label }] }));
    const images = buckets.take().flatMap(({ pieces }) => joinPieces(piecesOf([pieces])));
    expect(images).toHaveLength(1000);
    expect(images.find(({ key }) => key === '17')).toEqual({
      key: '17',
      image: { name: '17.jpg' },
      tags: [],
      tooMany: false,
      parts: [{ unit: 'pixels', annotations: [{ label: 'cat' }, { label: 'dog' }] }],
    });
    expect(buckets.take()).toEqual([]);
  });

  it('are spread over all buckets', () => {
    const used = new Set(Array.from({ length: 10_000 }, (_, n) => bucketOf(`${n}`)));
    expect(used.size).toBe(BUCKETS);
  });

  it('keep their units apart', () => {
    const [image] = joinPieces([
      { key: 'a', unit: 'pixels', annotations: [{ label: 'one' }] },
      { key: 'a', annotations: [{ label: 'two' }] },
    ]);
    expect(image?.parts.map(({ unit }) => unit)).toEqual(['pixels', 'relative']);
  });
});

it('a set of seqs counts each once', () => {
  const seqs = createSeqSet();
  expect([seqs.add(5), seqs.add(5), seqs.add(100_000)]).toEqual([true, false, true]);
  expect([seqs.size, seqs.has(5), seqs.has(6), seqs.has(100_000), seqs.has(10_000_000)]).toEqual([
    2,
    true,
    false,
    true,
    false,
  ]);
  const all = createSeqSet();
  const [first, second] = [createSeqSet(all), createSeqSet(all)];
  for (const seq of [1, 2, 3]) first.add(seq);
  for (const seq of [3, 4]) second.add(seq);
  expect([first.size, second.size, all.size]).toEqual([3, 2, 4]);
});
