/**
 * Reads and writes messages in protobuf's wire format, field by field. A protobuf package would be a run-time dependency
 * for a few fields of ONNX files, and would read gigabytes of weights to find them.
 */
import type { FileHandle } from 'node:fs/promises';

/** A field of a message in a file. Positions are in bytes; the content is from `body` to `end`. */
export interface Field {
  number: number;
  wireType: number;
  start: number;
  body: number;
  end: number;
}

/** The wire type of bytes, strings and messages. */
export const LENGTH_DELIMITED = 2;

const VARINT = 0;
const FIXED_64 = 1;
const FIXED_32 = 5;
const LONGEST_HEADER = 20;

/**
 * Yields the fields of the message that lies in the file from `start` to `end`. Skips their content.
 *
 * @throws RangeError when it is no message
 */
export async function* fieldsOf(file: FileHandle, start: number, end: number): AsyncGenerator<Field> {
  for (let at = start; at < end; ) {
    const header = await readAt(file, at, Math.min(LONGEST_HEADER, end - at));
    const field = fieldAt(header, 0, at, end);
    yield field;
    at = field.end;
  }
}

/**
 * Yields the fields of a message in memory.
 *
 * @throws RangeError when it is no message
 */
export function* fieldsIn(message: Buffer): Generator<Field> {
  for (let at = 0; at < message.length; ) {
    const field = fieldAt(message, at, at, message.length);
    yield field;
    at = field.end;
  }
}

/** Decodes the field whose header is at `position` of `bytes`, and at `start` of a message that ends at `end`. */
function fieldAt(bytes: Buffer, position: number, start: number, end: number): Field {
  const [tag, tagBytes] = readVarint(bytes, position);
  const number = Math.floor(tag / 8);
  const wireType = tag % 8;
  const hasVarint = wireType === VARINT || wireType === LENGTH_DELIMITED;
  const [value, valueBytes] = hasVarint ? readVarint(bytes, position + tagBytes) : [0, 0];
  const body = start + tagBytes + (wireType === LENGTH_DELIMITED ? valueBytes : 0);
  const length =
    wireType === LENGTH_DELIMITED ? value : wireType === VARINT ? valueBytes : wireType === FIXED_32 ? 4 : 8;
  const isKnown = hasVarint || wireType === FIXED_32 || wireType === FIXED_64;
  if (!isKnown || number === 0 || body + length > end) throw new RangeError('no ONNX file');
  return { number, wireType, start, body, end: body + length };
}

/** Reads `length` bytes from a position of a file. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Decodes a varint. Returns its value and its length in bytes. */
export function readVarint(bytes: Buffer, start: number): [value: number, bytes: number] {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, i + 1];
  }
  throw new RangeError('no ONNX file');
}

/** Encodes a field of bytes, a string or a message. */
export function encodeBytes(number: number, content: Uint8Array | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([encodeVarint(number * 8 + LENGTH_DELIMITED), encodeVarint(bytes.length), bytes]);
}

/** Encodes a field of a whole number that is not negative. */
export function encodeNumber(number: number, value: number): Buffer {
  return Buffer.concat([encodeVarint(number * 8 + VARINT), encodeVarint(value)]);
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 0x80);
  }
}
