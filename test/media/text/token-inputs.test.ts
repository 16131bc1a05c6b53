import { expect, test } from 'vitest';
import { bindTokenInputs } from '../../../core/media/text/token-inputs.ts';
import type { GraphValue } from '../../../core/models/graph-values.ts';

const input = (name: string, type = 'int64', shape: (number | string)[] = ['batch', 'tokens']): GraphValue => ({
  name,
  type,
  shape,
});
const ALL = ['input_ids', 'attention_mask', 'position_ids', 'token_type_ids'];
const LONGEST = { id: 9, toTokens: undefined };

/** The inputs of a batch, as plain numbers. */
function feedsOf(inputs: readonly GraphValue[], texts: number[][], rows: number, toTokens?: number) {
  const feeds = bindTokenInputs('text_model.onnx', inputs).feeds(texts, rows, { ...LONGEST, toTokens });
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, elements, dims }]) => [
      name,
      { type, dims, elements: Array.from(elements as ArrayLike<number | bigint>, Number) },
    ]),
  );
}

test('rows are padded to the longest text, and the mask says where', () => {
  const batch = feedsOf(
    ALL.map((name) => input(name)),
    [[5], [6, 7, 8]],
    2,
  );
  const shape = { type: 'int64', dims: [2, 3] };
  expect(batch).toEqual({
    input_ids: { ...shape, elements: [5, 9, 9, 6, 7, 8] },
    attention_mask: { ...shape, elements: [1, 0, 0, 1, 1, 1] },
    position_ids: { ...shape, elements: [0, 1, 2, 0, 1, 2] },
    token_type_ids: { ...shape, elements: [0, 0, 0, 0, 0, 0] },
  });
});

test('a graph gets the inputs that it takes, in the type that it takes', () => {
  const { feeds } = bindTokenInputs('text_model.onnx', [input('input_ids', 'int32'), input('attention_mask')]);
  expect(feeds([[5]], 1, { ...LONGEST, toTokens: 2 })).toEqual({
    input_ids: { type: 'int32', dims: [1, 2], elements: Int32Array.of(5, 9) },
    attention_mask: { type: 'int64', dims: [1, 2], elements: BigInt64Array.of(1n, 0n) },
  });
});

test('rows after the texts repeat the first one', () => {
  const inputs = [input('input_ids', 'int64', [3, 2]), input('position_ids', 'int64', [1, 'tokens'])];
  expect(bindTokenInputs('text_model.onnx', inputs)).toMatchObject({ fixedBatch: 3, fixedTokens: 2, hasMask: false });
  expect(feedsOf(inputs, [[5, 6]], 3, 2)).toMatchObject({
    input_ids: { dims: [3, 2], elements: [5, 6, 5, 6, 5, 6] },
    position_ids: { dims: [1, 2], elements: [0, 1] },
  });
});

test.each([
  { what: 'no tokens', inputs: [input('attention_mask')] },
  { what: 'pictures', inputs: [input('input_ids'), input('pixel_values', 'float32', ['batch', 3, 224, 224])] },
  { what: 'an unknown input', inputs: [input('input_ids'), input('toString')] },
  { what: 'tokens of another type', inputs: [input('input_ids', 'float32')] },
  { what: 'tokens of three dimensions', inputs: [input('input_ids', 'int64', ['batch', 1, 'tokens'])] },
])('a graph that takes $what is refused, and the error lists its inputs', ({ inputs }) => {
  const last = inputs.at(-1) as GraphValue;
  expect(() => bindTokenInputs('text_model.onnx', inputs)).toThrow(
    expect.objectContaining({
      code: 'ModelInvalid',
      message: expect.stringMatching(new RegExp(`text_model\\.onnx.*"${last.name}" \\(${last.type}`)),
    }),
  );
});
