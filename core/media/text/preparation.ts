/** Turns words into tensors. The encoder process loads this module for the text side of a model. */
import { ItemError } from '../item-error.ts';
import type { BoundPreparation, ItemInput, OpenPreparation, Pooling, PreparationRequest } from '../preparation.ts';
import { bindTokenInputs } from './token-inputs.ts';
import { readTokenizer, type TextLimits } from './tokenizer.ts';

/**
 * Opens the preparation of words for the text side of a model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export const openPreparation: OpenPreparation = (request) =>
  openTextPreparation(request, { textOf: wordsOf, pooling: undefined });

/** The differences between the words of a query and the texts that a model was made for. */
interface TextItems {
  textOf(item: ItemInput): string;
  /** Words that the model expects before an item's text. They are no part of its content. */
  promptOf?(item: ItemInput): string;
  /** How vectors of tokens become one, if nothing else says so. */
  pooling: Pooling | undefined;
  limits?: TextLimits;
}

/**
 * Opens the preparation of texts for a graph that takes tokens.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function openTextPreparation(
  { graphFile, files, inputs }: PreparationRequest,
  { textOf, promptOf = () => '', pooling, limits }: TextItems,
): Promise<BoundPreparation> {
  const [tokenizerFile = '', configFile = ''] = files;
  const bound = bindTokenInputs(graphFile, inputs);
  const tokenizer = await readTokenizer(tokenizerFile, configFile, bound, limits);

  const preparation: BoundPreparation<number[]> = {
    fixedBatch: bound.fixedBatch,
    pooling,
    blank: tokenizer.encode('a'),
    async prepare(item) {
      const text = textOf(item);
      const tokens = text.trim() === '' ? [] : tokenizer.encode(promptOf(item) + text);
      if (tokens.length === 0) throw new ItemError('empty_text', 'the text holds no words');
      return tokens;
    },
    feeds: (texts, rows) => bound.feeds(texts, rows, tokenizer.padding),
  };
  return preparation as BoundPreparation;
}

function wordsOf(item: ItemInput): string {
  if (!('value' in item) || typeof item.value !== 'string') throw new TypeError('Words are encoded from a text.');
  return item.value;
}
