/** Turns words into tensors. The encoder process loads this module for the text side of a model. */
import { ItemError } from '../item-error.ts';
import type { BoundPreparation, OpenPreparation } from '../preparation.ts';
import { bindTokenInputs } from './token-inputs.ts';
import { readTokenizer } from './tokenizer.ts';

/**
 * Opens the preparation of words for the text side of a model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export const openPreparation: OpenPreparation = async ({ graphFile, files, inputs }) => {
  const [tokenizerFile = '', configFile = ''] = files;
  const bound = bindTokenInputs(graphFile, inputs);
  const tokenizer = await readTokenizer(tokenizerFile, configFile, bound);

  const preparation: BoundPreparation<number[]> = {
    fixedBatch: bound.fixedBatch,
    pooling: undefined,
    blank: tokenizer.encode('a'),
    async prepare(item) {
      if (!('value' in item) || typeof item.value !== 'string') throw new TypeError('Words are encoded from a text.');
      const tokens = item.value.trim() === '' ? [] : tokenizer.encode(item.value);
      if (tokens.length === 0) throw new ItemError('empty_text', 'the text holds no words');
      return tokens;
    },
    feeds: (texts, rows) => bound.feeds(texts, rows, tokenizer.padding),
  };
  return preparation as BoundPreparation;
};
