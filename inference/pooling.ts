import type { Tensor } from 'onnxruntime-node';
import type { Pooling, TensorData } from '../core/media/preparation.ts';
import { floatFromHalf } from '../core/models/half.ts';

/**
 * Pools the first `count` vectors of an output of [rows, dim], [rows, dim, 1, 1] or [rows, tokens, dim]. `cls` takes the
 * first token's vector; `mean` averages the tokens whose mask is not 0, like sentence-transformers. Returns [count, dim]
 * elements, unnormalised.
 *
 * @param mask the graph's `attention_mask` input, [rows, tokens]; without it all tokens count
 * @throws Error when the output has another shape, or a token count that differs from the mask's. Graphs may return
 *   shapes that they do not declare.
 */
export function pooled(
  { data, dims, type }: Pick<Tensor, 'data' | 'dims' | 'type'>,
  count: number,
  pooling: Pooling | 'none',
  mask: TensorData | undefined,
): Float32Array {
  // Models of convolutions keep the height and width of what they pooled, [rows, dim, 1, 1].
  const shape = dims.length === 4 && dims[2] === 1 && dims[3] === 1 ? dims.slice(0, 2) : dims;
  const dim = shape.at(-1) ?? 0;
  const tokens = pooling === 'none' ? 1 : (shape[1] ?? 0);
  if (shape.length !== (pooling === 'none' ? 2 : 3) || dim < 1 || tokens < 1)
    throw new Error(`an output of shape [${dims.join(', ')}] holds no vectors`);
  if (pooling === 'mean' && mask !== undefined && mask.dims[1] !== tokens)
    throw new Error(`an output of shape [${dims.join(', ')}] for an attention_mask of [${mask.dims.join(', ')}]`);
  const floats = type === 'float16' ? floatsOf(data as unknown as ArrayBufferView) : (data as Float32Array);
  const vectors = new Float32Array(count * dim);
  for (let row = 0; row < count; row++) {
    const vector = vectors.subarray(row * dim, (row + 1) * dim);
    const tokensOfRow = floats.subarray(row * tokens * dim, (row + 1) * tokens * dim);
    if (pooling === 'mean') meanInto(vector, tokensOfRow, (token) => isCounted(mask, row * tokens + token));
    else vector.set(tokensOfRow.subarray(0, dim));
  }
  return vectors;
}

function isCounted(mask: TensorData | undefined, index: number): boolean {
  return mask === undefined || Number(mask.elements[index]) !== 0;
}

function meanInto(vector: Float32Array, tokens: Float32Array, counts: (token: number) => boolean): void {
  let counted = 0;
  for (let token = 0; token * vector.length < tokens.length; token++) {
    if (!counts(token)) continue;
    counted += 1;
    for (let i = 0; i < vector.length; i++)
      vector[i] = (vector[i] as number) + (tokens[token * vector.length + i] as number);
  }
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / Math.max(1, counted);
}

function floatsOf(half: ArrayBufferView): Float32Array {
  return Float32Array.from(new Uint16Array(half.buffer, half.byteOffset, half.byteLength / 2), floatFromHalf);
}
