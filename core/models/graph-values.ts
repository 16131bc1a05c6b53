import { ModelInvalidError } from './errors.ts';

/** A graph's input or output: its element type and its dimensions. A free dimension is a name instead of a size. */
export interface GraphValue {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/** The output that holds the vectors. `isSequence` means one vector per token, which must be pooled. */
export interface VectorOutput {
  name: string;
  isSequence: boolean;
}

/** Names of outputs with a vector per token, in exports of transformers and of sentence-transformers. */
const SEQUENCES: ReadonlySet<string> = new Set(['last_hidden_state', 'token_embeddings']);

/**
 * Chooses the output that holds an item's vector: one of the medium's usual names, otherwise the only output of vectors,
 * otherwise `last_hidden_state`. A usual name may also be that of vectors per token. A vector has two dimensions, or four
 * of which the last two are 1: models of convolutions (ResNet, ConvNeXT) keep the height and width of what they pooled. A
 * free dimension may turn out to be 1, so it is accepted under a usual name, and `pooled` checks it.
 *
 * @param preferred names of outputs, best first
 * @throws ModelInvalidError
 */
export function chooseOutput(file: string, outputs: readonly GraphValue[], preferred: readonly string[]): VectorOutput {
  const vectors = outputs.filter((output) => isVector(output, preferred.includes(output.name)));
  for (const name of preferred) {
    if (vectors.some((vector) => vector.name === name)) return { name, isSequence: false };
    if (outputs.some((output) => output.name === name && isSequence(output))) return { name, isSequence: true };
  }
  const [only, another] = vectors;
  if (only !== undefined && another === undefined) return { name: only.name, isSequence: false };
  const hidden = outputs.find(isSequence);
  if (hidden !== undefined && only === undefined) return { name: hidden.name, isSequence: true };
  throw new ModelInvalidError(
    `${file} gives ${listed(outputs)}; one of ${preferred.join(', ')}, a single output of [batch, n] or ` +
      '[batch, n, 1, 1], or last_hidden_state is expected.',
  );
}

function isVector({ shape, type }: GraphValue, isUsual: boolean): boolean {
  if (!isFloat(type)) return false;
  const mayBeOne = (size: number | string | undefined) => size === 1 || (isUsual && typeof size === 'string');
  return shape.length === 2 || (shape.length === 4 && mayBeOne(shape[2]) && mayBeOne(shape[3]));
}

const isSequence = ({ name, shape, type }: GraphValue): boolean =>
  SEQUENCES.has(name) && shape.length === 3 && isFloat(type);

function isFloat(type: string): boolean {
  return type === 'float32' || type === 'float16';
}

/** Formats values for messages. */
export function listed(values: readonly GraphValue[]): string {
  return values.map(({ name, type, shape }) => `"${name}" (${type}[${shape.join(', ')}])`).join(', ') || 'nothing';
}
