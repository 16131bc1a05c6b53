/**
 * Writes ONNX models from TypeScript, with only those messages of onnx.proto3 that a forward graph with constants
 * needs. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
import protobuf from 'protobufjs';
import { halfFromFloat } from '../core/models/half.ts';

const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

export type ElementType = keyof typeof ELEMENT_TYPES;

/** A number of elements, or the name of a free dimension. */
export type Dimension = number | string;

/** An integer, integers, a string, or floats marked as such, because ONNX distinguishes `1` and `1.0`. */
export type Attribute = number | readonly number[] | string | { float: number } | { floats: readonly number[] };

/** The name of a value in the graph: an input, a constant, or an operator's output. */
export type ValueName = string;

export interface GraphBuilder {
  input(name: ValueName, type: ElementType, shape: readonly Dimension[]): ValueName;
  output(name: ValueName, type: ElementType, shape: readonly Dimension[]): void;
  constant(type: ElementType, shape: readonly number[], values: ArrayLike<number>): ValueName;
  /** Adds a constant whose elements fill the file `location` beside the model. */
  externalConstant(type: ElementType, shape: readonly number[], location: string): ValueName;
  /** Adds an operator with one output. Its name is generated unless `outputName` is given. */
  apply(
    operator: string,
    inputs: readonly ValueName[],
    attributes?: Record<string, Attribute>,
    outputName?: ValueName,
  ): ValueName;
  /** Returns the bytes of an `.onnx` file. The same calls in the same order give the same bytes. */
  encode(): Uint8Array;
}

/** Creates an empty graph. `opset` is the version of the standard operators. */
export function createGraph({ name, opset = 17 }: { name: string; opset?: number }): GraphBuilder {
  const inputs: object[] = [];
  const outputs: object[] = [];
  const nodes: object[] = [];
  const initializers: object[] = [];

  return {
    input(valueName, type, shape) {
      inputs.push(valueInfo(valueName, type, shape));
      return valueName;
    },
    output(valueName, type, shape) {
      outputs.push(valueInfo(valueName, type, shape));
    },
    constant(type, shape, values) {
      const valueName = `constant_${initializers.length}`;
      initializers.push({
        name: valueName,
        dims: [...shape],
        dataType: ELEMENT_TYPES[type],
        rawData: rawBytes(type, values),
      });
      return valueName;
    },
    externalConstant(type, shape, location) {
      const valueName = `constant_${initializers.length}`;
      initializers.push({
        name: valueName,
        dims: [...shape],
        dataType: ELEMENT_TYPES[type],
        externalData: [{ key: 'location', value: location }],
        dataLocation: 1,
      });
      return valueName;
    },
    apply(operator, operands, attributes = {}, outputName = `${operator.toLowerCase()}_${nodes.length}`) {
      nodes.push({
        opType: operator,
        name: outputName,
        input: [...operands],
        output: [outputName],
        attribute: Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value)),
      });
      return outputName;
    },
    encode() {
      const graph = { name, node: nodes, initializer: initializers, input: inputs, output: outputs };
      return MODEL.encode(
        MODEL.fromObject({
          irVersion: 8,
          producerName: 'plimsoll',
          graph,
          opsetImport: [{ domain: '', version: opset }],
        }),
      ).finish();
    },
  };
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): object {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type], shape: { dim } } } };
}

function rawBytes(type: ElementType, values: ArrayLike<number>): Uint8Array {
  if (type === 'float32') return bytesOf(Float32Array.from(values));
  if (type === 'float16') return bytesOf(Uint16Array.from(values, halfFromFloat));
  if (type === 'int32') return bytesOf(Int32Array.from(values));
  if (type === 'int64') return bytesOf(BigInt64Array.from(Array.from(values, BigInt)));
  if (type === 'int8') return bytesOf(Int8Array.from(values));
  return Uint8Array.from(values);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function encodeAttribute(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('floats' in value) return { name, type: 6, floats: [...value.floats] };
  return { name, type: 7, ints: [...value] };
}

const MODEL = protobuf.Root.fromJSON({
  nested: {
    ModelProto: message({
      irVersion: ['int64', 1],
      producerName: ['string', 2],
      graph: ['GraphProto', 7],
      opsetImport: ['OperatorSetIdProto[]', 8],
    }),
    OperatorSetIdProto: message({ domain: ['string', 1], version: ['int64', 2] }),
    GraphProto: message({
      node: ['NodeProto[]', 1],
      name: ['string', 2],
      initializer: ['TensorProto[]', 5],
      input: ['ValueInfoProto[]', 11],
      output: ['ValueInfoProto[]', 12],
    }),
    NodeProto: message({
      input: ['string[]', 1],
      output: ['string[]', 2],
      name: ['string', 3],
      opType: ['string', 4],
      attribute: ['AttributeProto[]', 5],
    }),
    AttributeProto: message({
      name: ['string', 1],
      f: ['float', 2],
      i: ['int64', 3],
      s: ['bytes', 4],
      floats: ['float[]', 7],
      ints: ['int64[]', 8],
      type: ['int32', 20],
    }),
    TensorProto: message({
      dims: ['int64[]', 1],
      dataType: ['int32', 2],
      name: ['string', 8],
      rawData: ['bytes', 9],
      externalData: ['StringStringEntryProto[]', 13],
      dataLocation: ['int32', 14],
    }),
    StringStringEntryProto: message({ key: ['string', 1], value: ['string', 2] }),
    ValueInfoProto: message({ name: ['string', 1], type: ['TypeProto', 2] }),
    TypeProto: message({ tensorType: ['TensorTypeProto', 1] }),
    TensorTypeProto: message({ elemType: ['int32', 1], shape: ['TensorShapeProto', 2] }),
    TensorShapeProto: message({ dim: ['DimensionProto[]', 1] }),
    DimensionProto: message({ dimValue: ['int64', 1], dimParam: ['string', 2] }),
  },
}).lookupType('ModelProto');

/** `['string[]', 3]` is a repeated string with field number 3. */
function message(fields: Record<string, [type: string, id: number]>): protobuf.IType {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id]]) => [
        name,
        type.endsWith('[]') ? { rule: 'repeated', type: type.slice(0, -2), id } : { type, id },
      ]),
    ),
  };
}
