import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashedWords } from '../../../core/media/documents/hashed-words.ts';
import { packWords } from '../../../core/packed-words.ts';

const DIM = 512;
const TEXTS = [
  'A paused job resumes where it stopped. Jobs that were RESUMED keep their résumés: one, two, two, three 3 v2.0!',
  'Straße, naïve ﬁsh, привет мир, 한국어 텍스트',
  '猫が好きです 今天天气很好 สวัสดีครับ abc中文def カタカナ',
  `${'x'.repeat(65)} ${'y'.repeat(64)}`,
];

const sha256 = (parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

/**
 * Stored vectors and words are compared with those of later versions. If a value here changes, so must what names it:
 * the model's files, which give its revision, and the number of the packed form.
 */
describe('what is stored of a text stays the same from version to version', () => {
  test('its vector', () => {
    expect(sha256(TEXTS.map((text) => new Uint8Array(hashedWords(text, DIM).buffer)))).toBe(
      '32f5d7a6ac56e7e66534004e9330899e1dbfb74e3a945242416a8739713c6261',
    );
  });

  test('its packed words', () => {
    expect(sha256(TEXTS.map(packWords))).toBe('5e2e17de567defd559db6a8c026ba164066c1c45764615968846ba6685e3608c');
  });
});

test('a vector is that of the definition, summed from its words and their parts one by one', () => {
  const text = 'Running jobs, a running job';
  const vector = new Float32Array(DIM);
  const hashOf = (feature: string) => {
    let hash = 0x811c9dc5;
    for (let i = 0; i < feature.length; i += 1) hash = Math.imul(hash ^ feature.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };
  const add = (feature: string, weight: number) => {
    const hash = hashOf(feature);
    vector[(hash >>> 1) % DIM] = (vector[(hash >>> 1) % DIM] ?? 0) + (hash % 2 === 1 ? weight : -weight);
  };
  for (const [form, times, parts] of [
    ['run', 2, ['#^run', '#run$']],
    ['job', 2, ['#^job', '#job$']],
    ['a', 1, []],
  ] as const) {
    const weight = (1 + Math.log(times)) * (form.length / 6) ** 2;
    add(form, weight);
    for (const part of parts) add(part, weight / Math.sqrt(parts.length));
  }
  expect(hashedWords(text, DIM)).toEqual(vector);
});
