import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fieldsIn, fieldsOf, LENGTH_DELIMITED, readAt } from './protobuf-fields.ts';

/**
 * Lists the files that hold an ONNX file's external weights (models above 2 GiB, or exported that way). Skips the weights.
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
  for await (const field of fieldsOf(file, start, end)) {
    const next = message[field.number];
    if (next === 'external_data') {
      const location = locationOf(await readAt(file, field.body, field.end - field.body));
      if (location !== undefined) locations.add(location);
    } else if (next !== undefined && field.wireType === LENGTH_DELIMITED) {
      await walk(file, field.body, field.end, next, locations);
    }
  }
}

/** The value of a StringStringEntryProto whose key is `location`. */
function locationOf(entry: Buffer): string | undefined {
  const strings: Record<number, string> = {};
  for (const { number, body, end } of fieldsIn(entry)) strings[number] = entry.toString('utf8', body, end);
  return strings[1] === 'location' ? strings[2] : undefined;
}
