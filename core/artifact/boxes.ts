/** Boxes of the ISO base media file format (ISO/IEC 14496-12), of which MP4 and AVIF are made. */

export type Part = Uint8Array | string | number[];

/** Joins the parts: a text as its Latin-1 bytes, numbers as bytes. */
export const join = (...parts: Part[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

export function box(type: string, ...parts: Part[]): Buffer {
  const content = join(...parts);
  return join(u32(content.length + 8), type, content);
}

/** A box with a version and flags. */
export const fullBox = (type: string, version: number, flags: number, ...parts: Part[]): Buffer =>
  box(type, u32(version * 2 ** 24 + flags), ...parts);

export const u16 = (...values: number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer).swap16();

export const u32 = (...values: number[]): Buffer => u32s(values);

/** A table: too many values to be arguments of a call. */
export const u32s = (values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer).swap32();

export const u64s = (values: readonly number[]): Buffer =>
  Buffer.from(BigUint64Array.from(values, BigInt).buffer).swap64();

/** The content of the first box of a type at the top. Sizes of 64 bits are not understood. */
export function findBox(file: Buffer, type: string): Buffer | undefined {
  for (let at = 0; at + 8 <= file.length; ) {
    const size = file.readUInt32BE(at);
    if (file.toString('latin1', at + 4, at + 8) === type) return file.subarray(at + 8, at + size);
    if (size < 8) return undefined;
    at += size;
  }
  return undefined;
}
