import { describe, expect, it } from 'vitest';
import { type MutantSet, mutantsOf, mutated } from '../../scripts/mutate/mutants.ts';

const variants = (text: string, set: MutantSet) =>
  mutantsOf('a.ts', text, set).map((mutant) => mutated(text, mutant).replace(/\s+/g, ' ').trim());

describe('guards', () => {
  it.each([
    ['if (a) throw b;', ['if (true) throw b;', 'if (false) throw b;']],
    ['if (a && b) { throw c; }', ['false', 'true', 'a', 'b'].map((condition) => `if (${condition}) { throw c; }`)],
    ['if (a) { b(); throw c; }', ['if (false) { b(); throw c; }', 'if (true) { b(); throw c; }', 'if (a) { b(); ; }']],
    ['signal.throwIfAborted();', [';']],
    ['await checkSource(a);', [';']],
    ['checked(a); b();', []],
  ])('%s', (text, expected) => {
    expect(variants(text, 'guards').sort()).toEqual(expected.sort());
  });

  it('leave out each condition of a query', () => {
    expect(variants('samples.updateMany({ a: 1, b: { $gte: 2, $lt: 3 } }, { $set: { c: 4 } });', 'guards')).toEqual([
      'samples.updateMany({ b: { $gte: 2, $lt: 3 } }, { $set: { c: 4 } });',
      'samples.updateMany({ a: 1, }, { $set: { c: 4 } });',
      'samples.updateMany({ a: 1, b: { $lt: 3 } }, { $set: { c: 4 } });',
      'samples.updateMany({ a: 1, b: { $gte: 2, } }, { $set: { c: 4 } });',
    ]);
  });

  it.each([
    'find({ a })',
    'findOne(({ a }) as Filter)',
    "distinct('x', { a })",
    'bulkWrite([{ updateOne: { filter: { a }, update: b } }])',
    'aggregate([{ $match: { a } }])',
  ])('leave out the condition of %s', (text) => {
    expect(variants(text, 'guards')).toEqual([text.replace('a }', '}').replace('{ }', '{ }')]);
  });

  it('leave out the conditions of a filter that has a name', () => {
    expect(variants('const filter = { a };', 'guards')).toEqual(['const filter = { };']);
    expect(variants('const mine: Filter<Sample> = { a };', 'guards')).toEqual(['const mine: Filter<Sample> = { };']);
    expect(variants('const other = { a };', 'guards')).toEqual([]);
  });

  it('leave out each alternative, but not the operator', () => {
    expect(variants('find({ $or: [{ a }, { b }] })', 'guards')).toEqual([
      'find({ $or: [ { b }] })',
      'find({ $or: [{ }, { b }] })',
      'find({ $or: [{ a }, ] })',
      'find({ $or: [{ a }, { }] })',
    ]);
  });
});

describe('all', () => {
  it.each([
    ['x = a < b', ['x = a <= b', 'x = a >= b']],
    ['x = a === b', ['x = a !== b']],
    ['x = a + b', ['x = a - b']],
    ["x = 'a b' + b", []],
    ['x = a ?? b', ['x = a', 'x = b']],
    ['x = !a', ['x = a']],
    ['x = -a', ['x = a']],
    ['x = i++', ['x = i--']],
    ['x = a ? b : c', ['x = true ? b : c', 'x = false ? b : c']],
    ['x = true', ['x = false']],
    ['x = 1_000', ['x = 1001']],
    ["x = 'a'", ["x = ''"]],
    ["x = ''", ["x = 'mutated'"]],
    ["x = 'a b'", []],
    ["x = { 'a': b }", []],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    ['x = `a${b}`', ["x = ''"]],
    ['x = /^a$/i', ['x = /a$/i', 'x = /^a/i']],
    ['x = [a]', ['x = []']],
    ['x = a?.b', ['x = a.b']],
    ['x = a?.[b]', ['x = a[b]']],
    ['x = a.some(b)', ['x = a.every(b)']],
    ['x = a?.trim()', ['x = a', 'x = a.trim()']],
  ])('%s', (text, expected) => {
    const declared = expected.map((variant) => `const ${variant}`);
    expect(variants(`const ${text}`, 'all').sort()).toEqual(declared.sort());
  });

  it('takes out statements', () => {
    expect(variants('a(b);', 'all')).toEqual([';']);
  });

  it.each(["import a from 'a';", "type A = 'a' | 1;", "interface A { a: 'a' }", "let a: 'a';", "export * from 'a';"])(
    'leaves types and imports alone: %s',
    (text) => {
      expect(variants(text, 'all')).toEqual([]);
    },
  );
});

it('a mutant says where it is and what it does', () => {
  expect(mutantsOf('a.ts', 'f();\nif (a) throw b;', 'guards')[0]).toMatchObject({
    file: 'a.ts',
    line: 2,
    column: 5,
    change: 'a → false',
  });
});
