/** A QR code as the pixels of a frame: one pixel a module, centred on white. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { encodeQR } from 'qr';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

/** The side of all frames, in pixels: two of AV1's superblocks, and enough for the largest code and its quiet zone. */
export const FRAME_SIDE = 128;

/** The largest code, QR version 25 with error correction L, has 117 modules and this many alphanumeric characters. */
export const FRAME_CHARACTERS = 1853;

export interface Pixels {
  width: number;
  height: number;
  /** One byte a pixel, 0 for black and 255 for white, row by row. */
  grey: Uint8Array;
}

/** @param mask the QR mask, 0 to 7 */
export function drawCode(text: string, mask: number): Pixels {
  // `qr` insists on a border.
  const rows = encodeQR(text, 'raw', { ecc: 'low', encoding: 'alphanumeric', border: 1, mask });
  const grey = new Uint8Array(FRAME_SIDE * FRAME_SIDE).fill(255);
  const margin = Math.floor((FRAME_SIDE - rows.length) / 2);
  for (const [y, row] of rows.entries()) {
    for (const [x, isDark] of row.entries()) if (isDark) grey[(y + margin) * FRAME_SIDE + x + margin] = 0;
  }
  return { width: FRAME_SIDE, height: FRAME_SIDE, grey };
}

let isPrepared = false;

/** @returns the text of the code; undefined if there is no readable one */
export async function readCode({ width, height, grey }: Pixels): Promise<string | undefined> {
  if (!isPrepared) {
    // Without its binary, zxing-wasm would fetch it from a server of others.
    const file = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm');
    const { buffer, byteOffset, byteLength } = readFileSync(file);
    prepareZXingModule({ overrides: { wasmBinary: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer } });
    isPrepared = true;
  }
  const data = new Uint8ClampedArray(width * height * 4);
  const rgba = new Uint32Array(data.buffer);
  for (const [at, value] of grey.entries()) rgba[at] = 0xff000000 | (value * 0x010101);
  const image = { data, width, height, colorSpace: 'srgb' } as Parameters<typeof readBarcodes>[0];
  const [code] = await readBarcodes(image, { formats: ['QRCode'], isPure: true, tryHarder: false });
  return code?.isValid ? code.text : undefined;
}
