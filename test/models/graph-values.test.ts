import { describe, expect, it } from 'vitest';
import { chooseOutput, type GraphValue } from '../../core/models/graph-values.ts';

const value = (name: string, shape: GraphValue['shape'], type = 'float32'): GraphValue => ({ name, type, shape });
const PREFERRED = ['image_embeds', 'pooler_output', 'embeddings'];
const output = (...outputs: GraphValue[]) => chooseOutput('m.onnx', outputs, PREFERRED);
const isInvalid = (words: string) =>
  expect.objectContaining({ code: 'ModelInvalid', message: expect.stringContaining(words) });

/** The outputs of a convolutional model besides its pooled output. */
const map = value('last_hidden_state', ['n', 2048, 7, 7]);

describe('an output of height and width 1', () => {
  it.each<[string, GraphValue]>([
    ['fixed dimensions', value('pooler_output', [8, 2048, 1, 1])],
    ['a free batch', value('pooler_output', ['n', 2048, 1, 1])],
    ['free height and width', value('pooler_output', ['n', 2048, 'height', 'width'])],
    ['only a free height', value('pooler_output', ['n', 'dim', 'height', 1])],
    ['half precision', value('pooler_output', ['n', 2048, 1, 1], 'float16')],
    ['another name', value('features', ['n', 2048, 1, 1])],
  ])('is a vector (%s)', (_, pooled) => {
    expect(output(map, pooled)).toEqual({ name: pooled.name, isSequence: false });
  });

  it.each<[string, GraphValue[]]>([
    ['one row', [map, value('pooler_output', ['n', 64, 1, 7])]],
    ['one column', [map, value('pooler_output', ['n', 64, 7, 1])]],
    ['free dimensions under another name', [map, value('features', ['n', 64, 'height', 'width'])]],
    ['integers', [map, value('pooler_output', ['n', 64, 1, 1], 'int64')]],
    ['one of two', [value('this', ['n', 64, 1, 1]), value('that', ['n', 64])]],
  ])('is refused if it is not one vector (%s)', (_, outputs) => {
    expect(() => output(...outputs)).toThrow(isInvalid('a single output of [batch, n] or [batch, n, 1, 1]'));
  });
});

describe('the output that vectors come from', () => {
  const vector = (name: string, type?: string) => value(name, ['n', 512], type);
  const hidden = value('last_hidden_state', ['n', 50, 512]);

  it.each<[string, boolean, GraphValue[]]>([
    ['image_embeds', false, [vector('pooler_output'), vector('image_embeds'), hidden]],
    ['pooler_output', false, [hidden, vector('embeddings'), vector('pooler_output')]],
    ['embeddings', false, [vector('other'), vector('embeddings', 'float16')]],
    ['other', false, [vector('other'), hidden, value('logits', ['n', 'm', 7])]],
    ['other', false, [vector('ids', 'int64'), vector('other')]],
    ['last_hidden_state', true, [value('attentions', ['n', 3, 7]), hidden]],
    ['last_hidden_state', true, [vector('ids', 'int64'), hidden]],
  ])('is %s (a sequence: %s)', (name, isSequence, outputs) => {
    expect(output(...outputs)).toEqual({ name, isSequence });
  });

  it.each(['last_hidden_state', 'token_embeddings'])('is the sequence %s if that is a usual name', (name) => {
    const outputs = [vector('pooler_output'), value(name, ['n', 50, 512])];
    expect(chooseOutput('m.onnx', outputs, ['sentence_embedding', name])).toEqual({ name, isSequence: true });
    const whole = [...outputs, vector('sentence_embedding')];
    expect(chooseOutput('m.onnx', whole, ['sentence_embedding', name]).name).toBe('sentence_embedding');
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
