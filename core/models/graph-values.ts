import { ModelInvalidError } from './errors.ts';

/** A graph's input or output: its element type, and its dimensions as sizes, or names where they are free. */
export interface GraphValue {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/** The output that vectors come from. `isSequence`: it has a vector per token, which are pooled. */
export interface VectorOutput {
  name: string;
  isSequence: boolean;
}

/**
 * The output that holds an item's vector: by the medium's usual names, else the only one of two dimensions, else
 * `last_hidden_state`.
 *
 * @param preferred names of outputs, the best first
 * @throws ModelInvalidError
 */
export function chooseOutput(file: string, outputs: readonly GraphValue[], preferred: readonly string[]): VectorOutput {
  const vectors = outputs.filter(({ shape, type }) => shape.length === 2 && isFloat(type));
  for (const name of preferred) {
    if (vectors.some((vector) => vector.name === name)) return { name, isSequence: false };
  }
  const [only, another] = vectors;
  if (only !== undefined && another === undefined) return { name: only.name, isSequence: false };
  const hidden = outputs.find(
    ({ name, shape, type }) => name === 'last_hidden_state' && shape.length === 3 && isFloat(type),
  );
  if (hidden !== undefined && only === undefined) return { name: hidden.name, isSequence: true };
  throw new ModelInvalidError(
    `${file} gives ${listed(outputs)}; one of ${preferred.join(', ')}, a single output of two dimensions, or ` +
      'last_hidden_state is expected.',
  );
}

function isFloat(type: string): boolean {
  return type === 'float32' || type === 'float16';
}

/** Values in words, for messages. */
export function listed(values: readonly GraphValue[]): string {
  return values.map(({ name, type, shape }) => `"${name}" (${type}[${shape.join(', ')}])`).join(', ') || 'nothing';
}
