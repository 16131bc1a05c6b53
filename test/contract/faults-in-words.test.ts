import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseInWords, sentenceOf } from '../../contract/faults-in-words.ts';
import { loadDatasetInput } from '../../contract/inputs.ts';

const wrong = (input: unknown) => {
  const parsed = parseInWords(loadDatasetInput, input);
  return parsed.success ? 'nothing' : sentenceOf(parsed.faults);
};

const ok = { dataset: 'photos', source: '/photos' };

describe('what is wrong with an input is said in words', () => {
  it.each([
    [{ dataset: 'photos' }, 'source is required'],
    [{ ...ok, source: 7 }, 'source must be a string'],
    [{ ...ok, source: '' }, 'source must have at least 1 character'],
    [{ ...ok, embed: 'no' }, 'embed must be true or false'],
    [{ ...ok, priority: 9 }, 'priority must be at most 5'],
    [{ ...ok, priority: 1.5 }, 'priority must be a whole number'],
    [{ ...ok, fairness_key: 'x'.repeat(65) }, 'fairness_key must have at most 64 characters'],
    [{ ...ok, webhooks: [{ url: 'https://a.example/', events: [] }] }, 'webhooks.0.events must have at least 1 entry'],
    [{ ...ok, webhooks: [{ url: 'ftp://a.example/' }] }, 'webhooks.0.url must be an http or https URL'],
    [null, 'the input must be an object'],
    [{}, 'dataset is required; source is required'],
  ])('%j: %s', (input, words) => {
    expect(wrong(input)).toBe(words);
  });

  it('with the fields that there are, where one is not known', () => {
    expect(wrong({ ...ok, sauce: '/photos' })).toMatch(
      /^the input has no field "sauce" \(its fields: dataset, source, /,
    );
    expect(wrong({ ...ok, embed_window: { start: '22:00', end: '06:00', day: 'mon' } })).toBe(
      'embed_window has no field "day" (its fields: start, end, days, time_zone)',
    );
  });

  it('with the values that there are, where one is not known', () => {
    expect(wrong({ ...ok, embed_window: { start: '22:00', end: '06:00', days: ['Monday'] } })).toBe(
      'embed_window.days.0 must be one of mon, tue, wed, thu, fri, sat, sun',
    );
  });
});

describe('faults', () => {
  const faultsOf = (schema: z.ZodType, input: unknown) => {
    const parsed = parseInWords(schema, input);
    return parsed.success ? 'nothing' : parsed.faults;
  };

  it('are none of an input that is right, which is returned with its defaults', () => {
    expect(parseInWords(loadDatasetInput, ok)).toEqual({ success: true, data: loadDatasetInput.parse(ok) });
  });

  it('name the field, or the input itself', () => {
    expect(faultsOf(loadDatasetInput, null)).toEqual([{ field: '(input)', message: 'must be an object' }]);
    expect(wrong({ ...ok, webhooks: Array(11).fill({ url: 'https://a.example/' }) })).toBe(
      'webhooks must have at most 10 entries',
    );
  });

  it.each<[string, z.ZodType, unknown]>([
    ['must be date', z.date(), 'b'],
    ['must be a', z.literal('a'), 'b'],
    ['must be one of a, b', z.literal(['a', 'b']), 'c'],
    ['has no field "a", "b" (its fields: )', z.strictObject({}), { a: 1, b: 2 }],
    ['has no field "b" (its fields: those of its schema)', z.record(z.enum(['a']), z.string()), { a: '', b: '' }],
    ['is not valid', z.string().regex(/a/), 'b'],
  ])('are in words of any schema: %s', (message, schema, input) => {
    expect(faultsOf(schema, input)).toEqual([{ field: '(input)', message }]);
  });
});
