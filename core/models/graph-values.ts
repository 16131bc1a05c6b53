import { ModelInvalidError } from './errors.ts';

/** A graph's input or output: its element type, and its dimensions as sizes, or names where they are free. */
export interface GraphValue {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

export interface ImageInput {
  name: string;
  type: 'float32' | 'float16' | 'uint8';
  layout: 'NCHW' | 'NHWC';
  /** Images that go in at once, where the graph fixes that. */
  fixedBatch: number | undefined;
}

export interface VectorOutput {
  name: string;
  /** `cls`: the vector is the first token of a sequence. */
  pooling: 'none' | 'cls';
}

const PREFERRED_OUTPUTS = ['image_embeds', 'pooler_output', 'embeddings'];

/**
 * The one input that takes images.
 *
 * @throws ModelInvalidError
 */
export function chooseInput(
  file: string,
  inputs: readonly GraphValue[],
  size: { width: number; height: number },
): ImageInput {
  const text = inputs.find(({ name }) => /^(input_ids|attention_mask|token_type_ids)$/.test(name));
  const images = inputs.filter(({ shape }) => shape.length === 4);
  if (text && images.length > 0)
    throw new ModelInvalidError(
      `${file} also wants text (input "${text.name}"). Use the vision part of the model: put vision_model.onnx in its folder.`,
    );
  const [input] = images;
  if (input === undefined || inputs.length !== 1)
    throw new ModelInvalidError(`${file} takes ${listed(inputs)}; an image model takes one input of four dimensions.`);

  const { name, type, shape } = input;
  if (type !== 'float32' && type !== 'float16' && type !== 'uint8')
    throw new ModelInvalidError(`${file}: input "${name}" takes ${type}; float32, float16 and uint8 are supported.`);
  const layout = layoutOf(shape);
  const [batch, ...rest] = shape;
  const [channels, height, width] = layout === 'NCHW' ? rest : [rest[2], rest[0], rest[1]];
  if (!admits(channels, 3)) throw new ModelInvalidError(`${file}: input "${name}" takes ${channels} channels, not 3.`);
  if (!admits(height, size.height) || !admits(width, size.width))
    throw new ModelInvalidError(
      `${file}: input "${name}" takes images of ${width}x${height}; preprocessor_config.json makes ${size.width}x${size.height}.`,
    );
  return { name, type, layout, fixedBatch: typeof batch === 'number' ? batch : undefined };
}

function layoutOf(shape: GraphValue['shape']): ImageInput['layout'] {
  const [, second, , last] = shape;
  if (second === 3) return 'NCHW';
  if (last === 3 || /chan/i.test(String(last))) return 'NHWC';
  return 'NCHW';
}

function admits(dimension: number | string | undefined, size: number): boolean {
  return typeof dimension !== 'number' || dimension === size;
}

/**
 * The output that is the image's vector: by its usual names, else the only one of two dimensions, else the first token (CLS) of
 * last_hidden_state.
 *
 * @throws ModelInvalidError
 */
export function chooseOutput(file: string, outputs: readonly GraphValue[]): VectorOutput {
  const vectors = outputs.filter(({ shape, type }) => shape.length === 2 && isFloat(type));
  for (const preferred of PREFERRED_OUTPUTS) {
    if (vectors.some(({ name }) => name === preferred)) return { name: preferred, pooling: 'none' };
  }
  const [only, another] = vectors;
  if (only !== undefined && another === undefined) return { name: only.name, pooling: 'none' };
  const hidden = outputs.find(
    ({ name, shape, type }) => name === 'last_hidden_state' && shape.length === 3 && isFloat(type),
  );
  if (hidden !== undefined && only === undefined) return { name: hidden.name, pooling: 'cls' };
  throw new ModelInvalidError(
    `${file} gives ${listed(outputs)}; one of ${PREFERRED_OUTPUTS.join(', ')}, a single output of two dimensions, or ` +
      'last_hidden_state is expected.',
  );
}

function isFloat(type: string): boolean {
  return type === 'float32' || type === 'float16';
}

function listed(values: readonly GraphValue[]): string {
  return values.map(({ name, type, shape }) => `"${name}" (${type}[${shape.join(', ')}])`).join(', ') || 'nothing';
}
