/**
 * Vectors as BSON holds them: binary data of subtype 9, which begins with two bytes (the type of the elements, and a
 * padding that only bits have); then float32, little-endian. Memory for each vector by itself costs more time than its
 * elements, so many share one.
 */
import { Binary } from 'mongodb';

const HEAD_BYTES = 2;

/** Vectors to store. */
export function vectorBinaries(vectors: readonly Float32Array[]): Binary[] {
  const size = (vector: Float32Array) => HEAD_BYTES + vector.byteLength;
  const memory = Buffer.alloc(vectors.reduce((sum, vector) => sum + size(vector), 0));
  let at = 0;
  return vectors.map((vector) => {
    const bytes = memory.subarray(at, at + size(vector));
    at += bytes.length;
    bytes[0] = Binary.VECTOR_TYPE.Float32;
    bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), HEAD_BYTES);
    return new Binary(bytes, Binary.SUBTYPE_VECTOR);
  });
}

/** Copies the elements of a stored vector. Returns false if there are more or fewer, or no float32. */
export function copyElements({ sub_type, buffer, position }: Binary, into: Float32Array): boolean {
  const isFloat32 = sub_type === Binary.SUBTYPE_VECTOR && buffer[0] === Binary.VECTOR_TYPE.Float32;
  if (!isFloat32 || position !== HEAD_BYTES + into.byteLength) return false;
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(buffer.subarray(HEAD_BYTES, position));
  return true;
}
