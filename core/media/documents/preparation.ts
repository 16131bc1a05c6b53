/** Turns chunks into tensors. The encoder process loads this module for the medium. */
import { readFile } from 'node:fs/promises';
import { ItemError } from '../item-error.ts';
import type { OpenPreparation, ValuePreparation } from '../preparation.ts';
import { openTextPreparation } from '../text/preparation.ts';
import { readSentenceFiles } from '../text/sentence-files.ts';
import { hashedWords } from './hashed-words.ts';

/** A `tokenizer.json` with this type means no tokens: the built-in model takes features of the text. */
export const HASHED_WORDS = 'HashedWords';

/** The features of a text are quick to compute, so larger batches cost fewer round trips. */
const BATCH = 256;

/**
 * Opens the preparation of chunks for a model of text: by its tokenizer, or by hashed words for the built-in model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export const openPreparation: OpenPreparation<ValuePreparation> = async (request) => {
  const features = await featuresOf(request.files[0] ?? '');
  if (features === undefined) {
    const { pooling, prompts, ...limits } = await readSentenceFiles(request.optional ?? {});
    const promptOf = (value: unknown) => (isQuery(value) ? prompts.query : prompts.passage);
    return openTextPreparation(request, { textOf, promptOf, pooling, limits });
  }
  const { dim } = features;
  const preparation: ValuePreparation<Float32Array> = {
    fixedBatch: undefined,
    blocks: true,
    batchSize: BATCH,
    pooling: undefined,
    blank: hashedWords('blank', dim),
    async prepare(value) {
      const vector = hashedWords(textOf(value), dim);
      if (vector.every((element) => element === 0)) throw new ItemError('empty_text', 'the text holds no words');
      return vector;
    },
    feeds(items, rows) {
      const elements = new Float32Array(rows * dim);
      for (let row = 0; row < rows; row += 1) elements.set(items[row] ?? (items[0] as Float32Array), row * dim);
      return { features: { type: 'float32', elements, dims: [rows, dim] } };
    },
  };
  return preparation as ValuePreparation;
};

async function featuresOf(tokenizerFile: string): Promise<{ dim: number } | undefined> {
  const text = await readFile(tokenizerFile, 'utf8');
  if (!text.includes(HASHED_WORDS)) return undefined;
  const { model } = JSON.parse(text) as { model: { type: string; dim: number } };
  return model.type === HASHED_WORDS ? { dim: model.dim } : undefined;
}

/** A query is a text, and a chunk the metadata of its sample. */
const isQuery = (value: unknown) => typeof value === 'string';

/** The text of a chunk, or of a query. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const text = (value as { text?: unknown } | undefined)?.text;
  if (typeof text !== 'string') throw new TypeError('Chunks are encoded from their text.');
  return text;
}
