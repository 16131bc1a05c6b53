import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { batchesOf } from '../../core/embedding/batches.ts';
import type { LackingSample } from '../../core/embedding/lacking.ts';

const sample = (seq: number, fields: Partial<LackingSample> = {}): LackingSample => ({
  _id: new ObjectId(),
  seq,
  file: { path: `/${seq}` },
  version: String(seq),
  stale: false,
  failedBefore: false,
  ...fields,
});

const seqsOf = (batches: readonly LackingSample[][]) => batches.map((batch) => batch.map(({ seq }) => seq));

test('samples without a length keep their order', () => {
  const samples = Array.from({ length: 5 }, (_, seq) => sample(seq, { content: 'same' }));
  expect(seqsOf(batchesOf(samples, 2))).toEqual([[0, 1], [2, 3], [4]]);
  expect(batchesOf([], 2)).toEqual([]);
});

test('samples of about one length share a batch, the longest first, each of them once', () => {
  const samples = [5, 240, 7, 240, 100].map((length, seq) => sample(seq, { length }));
  expect(seqsOf(batchesOf([...samples, sample(5)], 2))).toEqual([
    [1, 3],
    [4, 2],
    [0, 5],
  ]);
});

test('repeated content comes after all others', () => {
  const samples = ['a', 'b', 'a', 'c', 'a'].map((content, seq) => sample(seq, { content, length: 10 - seq }));
  expect(seqsOf(batchesOf(samples, 3))).toEqual([
    [0, 1, 3],
    [2, 4],
  ]);
});
