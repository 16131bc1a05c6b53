import { ModelInvalidError } from '../../models/errors.ts';
import { type GraphValue, listed } from '../../models/graph-values.ts';

/** A graph's input that takes images. */
export interface ImageInput {
  name: string;
  type: 'float32' | 'float16' | 'uint8';
  layout: 'NCHW' | 'NHWC';
  /** The batch size, if the graph fixes it. */
  fixedBatch: number | undefined;
}

/**
 * Finds the only graph input that takes images.
 *
 * @throws ModelInvalidError
 */
export function bindImageInput(
  file: string,
  inputs: readonly GraphValue[],
  size: { width: number; height: number },
): ImageInput {
  const text = inputs.find(({ name }) => /^(input_ids|attention_mask|token_type_ids)$/.test(name));
  const images = inputs.filter(({ shape }) => shape.length === 4);
  if (text && images.length > 0)
    throw new ModelInvalidError(
      `${file} also wants text (input "${text.name}"). ` +
        'Use the vision part of the model: put vision_model.onnx in its folder.',
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
      `${file}: input "${name}" takes images of ${width}x${height}; ` +
        `preprocessor_config.json makes ${size.width}x${size.height}.`,
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
