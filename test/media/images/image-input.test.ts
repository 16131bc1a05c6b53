import { describe, expect, it } from 'vitest';
import { bindImageInput } from '../../../core/media/images/image-input.ts';
import type { GraphValue } from '../../../core/models/graph-values.ts';

const SIZE = { width: 224, height: 128 };
const value = (name: string, shape: GraphValue['shape'], type = 'float32'): GraphValue => ({ name, type, shape });
const input = (...inputs: GraphValue[]) => bindImageInput('m.onnx', inputs, SIZE);
const isInvalid = (words: string) =>
  expect.objectContaining({ code: 'ModelInvalid', message: expect.stringContaining(words) });

describe('the input of an image model', () => {
  it.each<[string, GraphValue['shape'], object]>([
    ['with free sizes', ['n', 'c', 'h', 'w'], { layout: 'NCHW', fixedBatch: undefined }],
    ['with sizes that fit', [8, 3, 128, 224], { layout: 'NCHW', fixedBatch: 8 }],
    ['with channels at the end', ['n', 128, 224, 3], { layout: 'NHWC' }],
    ['with channels at the end by name', ['n', 'h', 'w', 'num_Channels'], { layout: 'NHWC' }],
  ])('is taken %s', (_, shape, expected) => {
    expect(input(value('pixels', shape))).toEqual({
      name: 'pixels',
      type: 'float32',
      fixedBatch: undefined,
      ...expected,
    });
  });

  it('has its channels first where three stand on both sides', () => {
    const narrow = { width: 3, height: 128 };
    expect(bindImageInput('m.onnx', [value('pixels', ['n', 3, 128, 3])], narrow).layout).toBe('NCHW');
  });

  it.each(['float32', 'float16', 'uint8'])('takes %s', (type) => {
    expect(input(value('pixels', ['n', 3, 'h', 'w'], type)).type).toBe(type);
  });

  it.each<[string, GraphValue[]]>([
    ['"pixels" takes int32;', [value('pixels', ['n', 3, 'h', 'w'], 'int32')]],
    ['"pixels" takes 1 channels, not 3', [value('pixels', ['n', 1, 'h', 'w'])]],
    ['"pixels" takes images of 224x224; preprocessor_config.json makes 224x128', [value('pixels', ['n', 3, 224, 224])]],
    ['"pixels" takes images of 128x128; preprocessor_config.json makes 224x128', [value('pixels', ['n', 128, 128, 3])]],
    ['takes nothing;', []],
    ['takes "a" (float32[n, 7]);', [value('a', ['n', 7])]],
    ['takes "a" (float32[n, 3, h, w]), "b" (float32[1]);', [value('a', ['n', 3, 'h', 'w']), value('b', [1])]],
    ['also wants text (input "input_ids")', [value('a', ['n', 3, 'h', 'w']), value('input_ids', ['n', 's'])]],
    ['also wants text (input "attention_mask")', [value('a', ['n', 3, 'h', 'w']), value('attention_mask', ['n', 's'])]],
    ['takes "input_ids" (float32[n, s]);', [value('input_ids', ['n', 's'])]],
    ['takes "a" (float32[n, 3, h, w]), "my_input_ids"', [value('a', ['n', 3, 'h', 'w']), value('my_input_ids', [1])]],
    ['takes "a" (float32[n, 3, h, w]), "input_ids_2"', [value('a', ['n', 3, 'h', 'w']), value('input_ids_2', [1])]],
  ])('is refused: %s', (words, inputs) => {
    expect(() => input(...inputs)).toThrow(isInvalid(words));
  });
});
