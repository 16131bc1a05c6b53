/** Turns words into tensors. The encoder process loads this module for the text side of a model. */
import { ItemError } from '../item-error.ts';
import type { OpenPreparation, Pooling, PreparationRequest, ValuePreparation } from '../preparation.ts';
import { bindTokenInputs } from './token-inputs.ts';
import { readTokenizer, type TextLimits } from './tokenizer.ts';

/**
 * Opens the preparation of words for the text side of a model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export const openPreparation: OpenPreparation<ValuePreparation> = (request) =>
  openTextPreparation(request, { textOf: wordsOf, pooling: undefined });

/** The differences between the words of a query and the texts that a model was made for. */
interface TextItems {
  textOf(value: unknown): string;
  /** Words that the model expects before an item's text. They are no part of its content. */
  promptOf?(value: unknown): string;
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
): Promise<ValuePreparation> {
  const [tokenizerFile = '', configFile = ''] = files;
  const bound = bindTokenInputs(graphFile, inputs);
  const tokenizer = await readTokenizer(tokenizerFile, configFile, bound, limits);

  const preparation: ValuePreparation<number[]> = {
    fixedBatch: bound.fixedBatch,
    pooling,
    blank: tokenizer.encode('a'),
    async prepare(value) {
      const text = textOf(value);
      const tokens = text.trim() === '' ? [] : tokenizer.encode(promptOf(value) + text);
      if (tokens.length === 0) throw new ItemError('empty_text', 'the text holds no words');
      return tokens;
    },
    feeds: (texts, rows) => bound.feeds(texts, rows, tokenizer.padding),
  };
  return preparation as ValuePreparation;
}

function wordsOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('Words are encoded from a text.');
  return value;
}
