import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { GraphValue } from './graph-values.ts';
import { encodeBytes, encodeNumber, type Field, fieldsIn, fieldsOf, readAt, readVarint } from './protobuf-fields.ts';

/**
 * An input of bytes that takes the place of a graph's input of floats, which the device then computes from it. So a
 * quarter of the memory is moved, and no thread of the CPU normalises.
 */
export interface ByteInput {
  /** The name of the new input. Its elements are uint8, its dimensions [batch, height, width, 3]. */
  name: string;
  height: number;
  width: number;
  /** The batch size, if the graph fixes it. */
  batch: number | undefined;
  /** The graph's input, whose element of channel c is `byte * scale[c] + offset[c]`. */
  replaces: { name: string; type: 'float32' | 'float16'; layout: 'NCHW' | 'NHWC' };
  scale: readonly number[];
  offset: readonly number[];
  /** Whether the channels of the replaced input are in reverse order. `scale` and `offset` are in that of the bytes. */
  reverses: boolean;
}

/** Numbers of onnx.proto3: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11 };
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, integer: 3, integers: 8, type: 20 };
const ATTRIBUTE_TYPES = { integer: 2, integers: 7 };
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, external: 13, location: 14 };
const EXTERNAL = 1;
const ENTRY = { key: 1, value: 2 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
const TENSOR_TYPE = { element: 1, shape: 2 };
const SHAPE = { dimension: 1 };
const DIMENSION = { size: 1, name: 2 };
const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 };

/**
 * Reads the inputs of a graph that has not been loaded. Those with a default value are left out.
 *
 * @throws RangeError when the file is no ONNX file
 */
export async function readGraphInputs(graphFile: string): Promise<GraphValue[]> {
  const file = await open(graphFile);
  try {
    const { size } = await file.stat();
    const inputs: GraphValue[] = [];
    const defaults = new Set<string>();
    for await (const graph of fieldsOf(file, 0, size)) {
      if (graph.number !== MODEL.graph) continue;
      for await (const field of fieldsOf(file, graph.body, graph.end)) {
        if (field.number === GRAPH.input) inputs.push(graphValueOf(await content(file, field)));
        if (field.number === GRAPH.initializer) defaults.add(await nameOfTensor(file, field));
      }
    }
    return inputs.filter(({ name }) => !defaults.has(name));
  } finally {
    await file.close();
  }
}

function graphValueOf(value: Buffer): GraphValue {
  const tensor = messageIn(messageIn(value, VALUE.type), TYPE.tensor);
  const element = numberIn(tensor, TENSOR_TYPE.element);
  const shape: GraphValue['shape'][number][] = [];
  const dimensions = messageIn(tensor, TENSOR_TYPE.shape);
  for (const { number, body, end } of fieldsIn(dimensions)) {
    if (number !== SHAPE.dimension) continue;
    const dimension = dimensions.subarray(body, end);
    const size = numberIn(dimension, DIMENSION.size);
    // Some exporters write -1 for a free dimension, which is a huge number without its sign.
    const isFree = size === undefined || !Number.isSafeInteger(size);
    shape.push(isFree ? messageIn(dimension, DIMENSION.name).toString() : size);
  }
  const type = Object.entries(TYPES).find(([, number]) => number === element)?.[0] ?? `type ${element}`;
  return { name: messageIn(value, VALUE.name).toString(), type, shape };
}

/** The content of a field of a message, empty if it is not there. */
function messageIn(message: Buffer, wanted: number): Buffer {
  for (const { number, body, end } of fieldsIn(message)) if (number === wanted) return message.subarray(body, end);
  return Buffer.alloc(0);
}

function numberIn(message: Buffer, wanted: number): number | undefined {
  for (const { number, body } of fieldsIn(message)) if (number === wanted) return readVarint(message, body)[0];
  return undefined;
}

async function nameOfTensor(file: FileHandle, tensor: Field): Promise<string> {
  for await (const field of fieldsOf(file, tensor.body, tensor.end))
    if (field.number === TENSOR.name) return (await content(file, field)).toString();
  return '';
}

/** Smaller initializers stay in the graph. */
const LARGE_BYTES = 4096;

/**
 * Returns the graph with its input replaced. Its large weights are references into `graphFile`, so they are not copied:
 * the runtime must be told the file's folder.
 *
 * @throws RangeError when the file is no ONNX file, or has no such input
 */
export async function withByteInput(graphFile: string, input: ByteInput): Promise<Buffer> {
  const file = await open(graphFile);
  try {
    const { size } = await file.stat();
    const parts: Buffer[] = [];
    for await (const field of fieldsOf(file, 0, size)) {
      if (field.number !== MODEL.graph) parts.push(await whole(file, field));
      else parts.push(encodeBytes(MODEL.graph, await graphOf(file, field, basename(graphFile), input)));
    }
    return Buffer.concat(parts);
  } finally {
    await file.close();
  }
}

async function graphOf(file: FileHandle, graph: Field, location: string, input: ByteInput): Promise<Buffer> {
  const parts: Buffer[] = [...nodesOf(input)];
  let isReplaced = false;
  for await (const field of fieldsOf(file, graph.body, graph.end)) {
    if (field.number === GRAPH.initializer && field.end - field.body >= LARGE_BYTES)
      parts.push(await referenceTo(file, field, location));
    else if (
      field.number === GRAPH.input &&
      messageIn(await content(file, field), VALUE.name).toString() === input.replaces.name
    ) {
      parts.push(encodeBytes(GRAPH.input, valueInfoOf(input)));
      isReplaced = true;
    } else parts.push(await whole(file, field));
  }
  if (!isReplaced) throw new RangeError(`the graph has no input "${input.replaces.name}"`);
  return Buffer.concat(parts);
}

/** An initializer whose bytes stay in the file. One that has them elsewhere, or as numbers, is copied. */
async function referenceTo(file: FileHandle, initializer: Field, location: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let raw: Field | undefined;
  for await (const field of fieldsOf(file, initializer.body, initializer.end)) {
    if (field.number === TENSOR.raw) raw = field;
    else parts.push(await whole(file, field));
  }
  if (raw === undefined) return whole(file, initializer);
  const entries = { location, offset: String(raw.body), length: String(raw.end - raw.body) };
  for (const [key, value] of Object.entries(entries))
    parts.push(
      encodeBytes(TENSOR.external, Buffer.concat([encodeBytes(ENTRY.key, key), encodeBytes(ENTRY.value, value)])),
    );
  parts.push(encodeNumber(TENSOR.location, EXTERNAL));
  return encodeBytes(GRAPH.initializer, Buffer.concat(parts));
}

/** The operators that compute the replaced input, and their constants. */
function nodesOf({ name, replaces, scale, offset, reverses }: ByteInput): Buffer[] {
  const isPlanar = replaces.layout === 'NCHW';
  const parts: Buffer[] = [];
  let last = name;
  let count = 0;
  const apply = (operator: string, operands: string[] = [], attributes: Buffer[] = []) => {
    count += 1;
    const output = `${name}_${count}`;
    parts.push(encodeBytes(GRAPH.node, nodeOf(operator, [last, ...operands], output, attributes)));
    last = output;
  };
  const constant = (suffix: string, type: number, dims: number[], bytes: Uint8Array) => {
    const tensor = [
      ...dims.map((size) => encodeNumber(TENSOR.dims, size)),
      encodeNumber(TENSOR.type, type),
      encodeBytes(TENSOR.name, `${name}_${suffix}`),
      encodeBytes(TENSOR.raw, bytes),
    ];
    parts.push(encodeBytes(GRAPH.initializer, Buffer.concat(tensor)));
    return `${name}_${suffix}`;
  };
  const perChannel = isPlanar ? [3, 1, 1] : [3];
  const floats = (suffix: string, values: readonly number[]) =>
    constant(suffix, TYPES.float32, perChannel, new Uint8Array(Float32Array.from(values).buffer));

  if (isPlanar) apply('Transpose', [], [integers('perm', [0, 3, 1, 2])]);
  apply('Cast', [], [integer('to', TYPES.float32)]);
  apply('Mul', [floats('scale', scale)]);
  apply('Add', [floats('offset', offset)]);
  if (reverses) {
    const order = new Uint8Array(BigInt64Array.from([2n, 1n, 0n]).buffer);
    apply('Gather', [constant('order', TYPES.int64, [3], order)], [integer('axis', isPlanar ? 1 : 3)]);
  }
  // A cast to the same type costs nothing: the runtime removes it.
  parts.push(encodeBytes(GRAPH.node, nodeOf('Cast', [last], replaces.name, [integer('to', TYPES[replaces.type])])));
  return parts;
}

function nodeOf(operator: string, inputs: string[], output: string, attributes: Buffer[]): Buffer {
  return Buffer.concat([
    ...inputs.map((each) => encodeBytes(NODE.input, each)),
    encodeBytes(NODE.output, output),
    encodeBytes(NODE.name, output),
    encodeBytes(NODE.operator, operator),
    ...attributes.map((each) => encodeBytes(NODE.attribute, each)),
  ]);
}

function integer(name: string, value: number): Buffer {
  return Buffer.concat([
    encodeBytes(ATTRIBUTE.name, name),
    encodeNumber(ATTRIBUTE.integer, value),
    encodeNumber(ATTRIBUTE.type, ATTRIBUTE_TYPES.integer),
  ]);
}

function integers(name: string, values: number[]): Buffer {
  return Buffer.concat([
    encodeBytes(ATTRIBUTE.name, name),
    ...values.map((value) => encodeNumber(ATTRIBUTE.integers, value)),
    encodeNumber(ATTRIBUTE.type, ATTRIBUTE_TYPES.integers),
  ]);
}

/** A ValueInfoProto: a tensor of uint8. */
function valueInfoOf({ name, height, width, batch }: ByteInput): Buffer {
  const first = batch === undefined ? encodeBytes(DIMENSION.name, 'batch') : encodeNumber(DIMENSION.size, batch);
  const dimensions = [first, ...[height, width, 3].map((size) => encodeNumber(DIMENSION.size, size))];
  const shape = Buffer.concat(dimensions.map((each) => encodeBytes(SHAPE.dimension, each)));
  const tensor = Buffer.concat([encodeNumber(TENSOR_TYPE.element, TYPES.uint8), encodeBytes(TENSOR_TYPE.shape, shape)]);
  return Buffer.concat([encodeBytes(VALUE.name, name), encodeBytes(VALUE.type, encodeBytes(TYPE.tensor, tensor))]);
}

const whole = (file: FileHandle, { start, end }: Field) => readAt(file, start, end - start);
const content = (file: FileHandle, { body, end }: Field) => readAt(file, body, end - body);
