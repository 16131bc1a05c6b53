import { describe, expect, it, test } from 'vitest';
import { BUILT_IN_MODEL, canonicalModel, isSameModel } from '../../contract/built-in-model.ts';
import { DTYPES, modelNameOf, parseModelName, withoutPlainDtype } from '../../contract/model-name.ts';
import { embedWorkflowId } from '../../contract/names.ts';

const parts = (model: string) => {
  const { name, dtype, revision } = parseModelName(model);
  return [name, dtype, revision];
};

describe('the name of a model', () => {
  it.each([
    ['my-clip', ['my-clip', undefined, undefined]],
    ['Xenova/clip:fp16', ['Xenova/clip', 'fp16', undefined]],
    ['my-clip@0123456789ab', ['my-clip', undefined, '0123456789ab']],
    ['org/my-clip:q4f16@0123456789ab', ['org/my-clip', 'q4f16', '0123456789ab']],
    ['/models/my-clip:q8', ['/models/my-clip', 'q8', undefined]],
    ['C:\\models\\my-clip', ['C:\\models\\my-clip', undefined, undefined]],
    ['C:\\models\\my-clip:bnb4', ['C:\\models\\my-clip', 'bnb4', undefined]],
    ['C:fp16', ['C', 'fp16', undefined]],
    ['C:\\fp16', ['C:\\fp16', undefined, undefined]],
    ['a:b:int8', ['a:b', 'int8', undefined]],
    ['my-clip:fp8', ['my-clip:fp8', undefined, undefined]],
    ['my-clip:FP16', ['my-clip:FP16', undefined, undefined]],
    ['my-clip:fp16@v1', ['my-clip:fp16@v1', undefined, undefined]],
    [':fp16', [':fp16', undefined, undefined]],
    ['', ['', undefined, undefined]],
    ['two\nlines:fp16', ['two\nlines', 'fp16', undefined]],
  ])('%j has its variant and its revision behind it', (model, expected) => {
    expect(parts(model)).toEqual(expected);
    expect(modelNameOf(parseModelName(model))).toBe(model);
  });

  it.each([
    ['/models/my-clip/', '/models/my-clip:fp16'],
    ['C:\\models\\my-clip\\', 'C:\\models\\my-clip:fp16'],
    ['/', '/:fp16'],
  ])('%j loses the slash at its end before a variant', (name, expected) => {
    expect(modelNameOf({ name, dtype: 'fp16' })).toBe(expected);
  });
});

test('fp32 is the plain graph: it has no name of its own in keys and IDs', () => {
  expect(withoutPlainDtype('my-clip:fp32')).toBe('my-clip');
  expect(withoutPlainDtype('my-clip:fp32@0123456789ab')).toBe('my-clip@0123456789ab');
  expect(canonicalModel('color-gradient-grid:fp32')).toBe(BUILT_IN_MODEL);
  expect(isSameModel('my-clip', 'my-clip:fp32')).toBe(true);
  expect(embedWorkflowId('photos', 'my-clip:fp32')).toBe(embedWorkflowId('photos', 'my-clip'));
});

test.each(DTYPES.filter((dtype) => dtype !== 'fp32'))('%s is another model: embeddings run side by side', (dtype) => {
  expect(isSameModel('my-clip', `my-clip:${dtype}`)).toBe(false);
  expect(embedWorkflowId('photos', `my-clip:${dtype}`)).toBe(`embed-photos:my-clip:${dtype}`);
});
