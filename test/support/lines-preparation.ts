/** Prepares lines as tensors in the encoder process. A token is a byte of the text. */
import { ItemError } from '../../core/media/item-error.ts';
import type { OpenPreparation, ValuePreparation } from '../../core/media/preparation.ts';
import { ModelInvalidError } from '../../core/models/errors.ts';

export const openPreparation: OpenPreparation = async ({ graphFile, inputs }) => {
  for (const name of ['input_ids', 'attention_mask'])
    if (!inputs.some((input) => input.name === name && input.type === 'int64'))
      throw new ModelInvalidError(`${graphFile}: input "${name}" (int64) is missing.`);

  const preparation: ValuePreparation<Uint8Array> = {
    fixedBatch: undefined,
    pooling: 'mean',
    blank: Uint8Array.of(32),
    async prepare(value) {
      const text = (value as { text?: unknown } | undefined)?.text;
      if (typeof text !== 'string' || text === '') throw new ItemError('not_a_line', 'this is no line of text');
      return new TextEncoder().encode(text);
    },
    feeds(lines, rows) {
      const tokens = Math.max(...lines.map(({ length }) => length));
      const ids = new BigInt64Array(rows * tokens);
      const mask = new BigInt64Array(rows * tokens);
      for (const [row, line] of lines.entries()) {
        ids.set(Array.from(line, BigInt), row * tokens);
        mask.fill(1n, row * tokens, row * tokens + line.length);
      }
      const dims = [rows, tokens];
      return {
        input_ids: { type: 'int64', elements: ids, dims },
        attention_mask: { type: 'int64', elements: mask, dims },
      };
    },
  };
  return preparation as ValuePreparation;
};
