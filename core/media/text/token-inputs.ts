import { ModelInvalidError } from '../../models/errors.ts';
import { type GraphValue, listed } from '../../models/graph-values.ts';
import type { TensorData } from '../preparation.ts';

/** How rows of tokens get one length: all `toTokens`, or if that is undefined, that of the longest row. */
export interface Padding {
  id: number;
  toTokens: number | undefined;
}

/** A graph's inputs that take tokens. */
export interface TokenInputs {
  /** The batch size, if the graph fixes it. */
  fixedBatch: number | undefined;
  /** Tokens of each row, if the graph fixes them. */
  fixedTokens: number | undefined;
  /** Whether the graph is told which tokens are padding. */
  hasMask: boolean;
  /** The graph's inputs by name, for `rows` rows. Rows after the texts repeat the first one. */
  feeds(texts: readonly (readonly number[])[], rows: number, padding: Padding): Record<string, TensorData>;
}

/** The value of an input at a place of a row. A `token` is undefined where the row is padded. */
type Element = (token: number | undefined, place: number, padId: number) => number;

const ELEMENTS: Record<string, Element> = {
  input_ids: (token, _, padId) => token ?? padId,
  attention_mask: (token) => (token === undefined ? 0 : 1),
  position_ids: (_, place) => place,
  token_type_ids: () => 0,
};

/**
 * Finds the graph inputs that take tokens, [batch, tokens] of int64 or int32.
 *
 * @throws ModelInvalidError
 */
export function bindTokenInputs(file: string, inputs: readonly GraphValue[]): TokenInputs {
  const ids = inputs.find(({ name }) => name === 'input_ids');
  if (ids === undefined || inputs.some((input) => !isTokenInput(input)))
    throw new ModelInvalidError(
      `${file} takes ${listed(inputs)}; a text side takes input_ids, and none but ${Object.keys(ELEMENTS).join(', ')}, ` +
        'each of [batch, tokens] as int64 or int32.',
    );
  const [fixedBatch, fixedTokens] = ids.shape.map((size) => (typeof size === 'number' ? size : undefined));
  return {
    fixedBatch,
    fixedTokens,
    hasMask: inputs.some(({ name }) => name === 'attention_mask'),
    feeds(texts, rows, { id: padId, toTokens }) {
      const length = toTokens ?? Math.max(...texts.map((tokens) => tokens.length));
      return Object.fromEntries(
        inputs.map(({ name, type, shape }) => {
          // A graph may take the positions once for all rows.
          const dims = [typeof shape[0] === 'number' ? shape[0] : rows, length];
          const tensor = tensorOf(type, dims, (row, place) =>
            (ELEMENTS[name] as Element)((texts[row] ?? texts[0])?.[place], place, padId),
          );
          return [name, tensor];
        }),
      );
    },
  };
}

function isTokenInput({ name, type, shape }: GraphValue): boolean {
  return Object.hasOwn(ELEMENTS, name) && (type === 'int64' || type === 'int32') && shape.length === 2;
}

function tensorOf(type: string, dims: number[], at: (row: number, place: number) => number): TensorData {
  const [rows = 0, length = 0] = dims;
  const values = Array.from({ length: rows * length }, (_, i) => at(Math.floor(i / length), i % length));
  return type === 'int64'
    ? { type, elements: BigInt64Array.from(values, BigInt), dims }
    : { type: 'int32', elements: Int32Array.from(values), dims };
}
