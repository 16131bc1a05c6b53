import { decodeStill, encodeStill } from './av1-still.ts';
import { drawCode, readCode } from './qr-code.ts';

const MASKS = [0, 1, 2, 3, 4, 5, 6, 7];

/**
 * Draws and encodes the code of a text, and reads it back as a reader will. If a drawing is not read back, another mask
 * gives another drawing of the same text.
 *
 * @throws Error if none is read back
 */
export async function makeFrame(text: string, read = readCode): Promise<Buffer> {
  for (const mask of MASKS) {
    const pixels = drawCode(text, mask);
    const sample = await encodeStill(pixels);
    if ((await read(await decodeStill(sample, pixels.width, pixels.height))) === text) return sample;
  }
  throw new Error(`A frame could not be read back, whichever mask was taken. Its code holds: ${text}`);
}
