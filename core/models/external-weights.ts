import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Lists the files that hold an ONNX file's external weights (models above 2 GiB, or exported that way).
 *
 * Reads only a few protobuf fields and skips the weights. A protobuf package would be a run-time dependency for this
 * alone, and would read gigabytes to find a few names.
 *
 * @throws RangeError when the file is not a protobuf message
 */
export async function externalWeightFiles(graphFile: string): Promise<string[]> {
  const file = await open(graphFile);
  try {
    const { size } = await file.stat();
    const locations = new Set<string>();
    await walk(file, 0, size, MODEL, locations);
    return [...locations].sort().map((location) => join(dirname(graphFile), location));
  } finally {
    await file.close();
  }
}

/** The fields to descend into, by their numbers in onnx.proto3. A leaf is an entry of `TensorProto.external_data`. */
interface Message {
  [field: number]: Message | 'external_data';
}
const TENSOR: Message = { 13: 'external_data' };
const ATTRIBUTE: Message = { 5: TENSOR, 10: TENSOR };
const NODE: Message = { 5: ATTRIBUTE };
const GRAPH: Message = { 1: NODE, 5: TENSOR };
const MODEL: Message = { 7: GRAPH };
ATTRIBUTE[6] = GRAPH;

async function walk(file: FileHandle, start: number, end: number, message: Message, locations: Set<string>) {
  let at = start;
  while (at < end) {
    const header = await read(file, at, Math.min(20, end - at));
    const [tag, tagBytes] = varint(header, 0);
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    const [value, valueBytes] = wireType === 0 || wireType === 2 ? varint(header, tagBytes) : [0, 0];
    const body = at + tagBytes + valueBytes;
    const length = wireType === 2 ? value : wireType === 5 ? 4 : wireType === 1 ? 8 : 0;
    if (wireType === 3 || wireType === 4 || wireType > 5 || field === 0 || body + length > end)
      throw new RangeError('no ONNX file');
    const next = message[field];
    if (next === 'external_data') {
      const location = locationOf(await read(file, body, length));
      if (location !== undefined) locations.add(location);
    } else if (next !== undefined && wireType === 2) {
      await walk(file, body, body + length, next, locations);
    }
    at = body + length;
  }
}

/** The value of a StringStringEntryProto whose key is `location`. */
function locationOf(entry: Buffer): string | undefined {
  const strings: Record<number, string> = {};
  for (let at = 0; at < entry.length; ) {
    const [tag, tagBytes] = varint(entry, at);
    const [length, lengthBytes] = varint(entry, at + tagBytes);
    const body = at + tagBytes + lengthBytes;
    strings[Math.floor(tag / 8)] = entry.toString('utf8', body, body + length);
    at = body + length;
  }
  return strings[1] === 'location' ? strings[2] : undefined;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Decodes a protobuf varint. Returns its value and its length in bytes. */
function varint(bytes: Buffer, start: number): [value: number, bytes: number] {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, i + 1];
  }
  throw new RangeError('no ONNX file');
}
