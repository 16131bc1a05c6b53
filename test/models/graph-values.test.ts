import { describe, expect, it } from 'vitest';
import { chooseInput, chooseOutput, type GraphValue } from '../../core/models/graph-values.ts';

const SIZE = { width: 224, height: 128 };
const value = (name: string, shape: GraphValue['shape'], type = 'float32'): GraphValue => ({ name, type, shape });
const input = (...inputs: GraphValue[]) => chooseInput('m.onnx', inputs, SIZE);
const output = (...outputs: GraphValue[]) => chooseOutput('m.onnx', outputs);
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
    expect(chooseInput('m.onnx', [value('pixels', ['n', 3, 128, 3])], narrow).layout).toBe('NCHW');
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

describe('the output of an image model', () => {
  const vector = (name: string, type?: string) => value(name, ['n', 512], type);
  const hidden = value('last_hidden_state', ['n', 50, 512]);

  it.each<[string, string, GraphValue[]]>([
    ['image_embeds', 'none', [vector('pooler_output'), vector('image_embeds'), hidden]],
    ['pooler_output', 'none', [hidden, vector('embeddings'), vector('pooler_output')]],
    ['embeddings', 'none', [vector('other'), vector('embeddings', 'float16')]],
    ['other', 'none', [vector('other'), hidden, value('logits', ['n', 'm', 7])]],
    ['other', 'none', [vector('ids', 'int64'), vector('other')]],
    ['last_hidden_state', 'cls', [value('attentions', ['n', 3, 7]), hidden]],
    ['last_hidden_state', 'cls', [vector('ids', 'int64'), hidden]],
  ])('is %s (%s)', (name, pooling, outputs) => {
    expect(output(...outputs)).toEqual({ name, pooling });
  });

  it.each<[string, GraphValue[]]>([
    ['gives nothing; one of image_embeds, pooler_output, embeddings, a single output', []],
    ['gives "a" (float32[n, 512]), "b" (float32[n, 512]);', [vector('a'), vector('b')]],
    ['gives "a"', [vector('a'), vector('b'), hidden]],
    ['gives "image_embeds" (int8[n, 512]);', [vector('image_embeds', 'int8')]],
    ['gives "image_embeds" (float32[n, 2, 512]);', [value('image_embeds', ['n', 2, 512])]],
    ['gives "hidden"', [value('hidden', ['n', 50, 512])]],
    ['gives "last_hidden_state" (float32[n, 7, 7, 512]);', [value('last_hidden_state', ['n', 7, 7, 512])]],
    ['gives "last_hidden_state" (int8[n, 50, 512]);', [value('last_hidden_state', ['n', 50, 512], 'int8')]],
  ])('is refused: %s', (words, outputs) => {
    expect(() => output(...outputs)).toThrow(isInvalid(words));
  });
});
