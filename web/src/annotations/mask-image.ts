import type { Mask } from '../api/shapes.ts';
import type { ClassColour } from './colours.ts';
import { decodeMask, type MaskPart } from './mask.ts';
import type { MaskImage } from './pen.ts';

const ALPHA = 115;
/** Images are kept up to this many bytes, the last used ones. */
const MOST_BYTES = 64_000_000;
/** What an image takes beside its pixels. */
const OVERHEAD = 500;

interface Kept {
  image: MaskImage | undefined;
  bytes: number;
}
const kept = new Map<string, Kept>();
let bytes = 0;

/**
 * The image of a mask in the colour of its class. It is kept, so that what is drawn again is not decoded again.
 *
 * @param side the longer side of the picture as it is drawn, in device pixels
 */
export function maskImageOf(mask: Mask, colour: ClassColour, side: number): MaskImage | undefined {
  // Powers of two: tiles of nearly the same size share their images.
  const enough = 2 ** Math.ceil(Math.log2(Math.max(32, side)));
  const key = `${enough} ${colour.css} ${mask.size.join('x')} ${mask.counts}`;
  const before = kept.get(key);
  if (before !== undefined) {
    kept.delete(key);
    kept.set(key, before);
    return before.image;
  }
  const part = decodeMask(mask, enough);
  const entry: Kept = {
    image: part && { image: paint(part, colour), box: part.box },
    bytes: OVERHEAD + 2 * key.length + 4 * (part?.pixels.length ?? 0),
  };
  kept.set(key, entry);
  bytes += entry.bytes;
  for (const [oldest, { bytes: freed }] of kept) {
    if (bytes <= MOST_BYTES || kept.size === 1) break;
    kept.delete(oldest);
    bytes -= freed;
  }
  return entry.image;
}

function paint({ columns, rows, pixels }: MaskPart, { rgb: [red, green, blue] }: ClassColour): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = columns;
  canvas.height = rows;
  const data = new ImageData(columns, rows);
  // A pixel at once. Every machine with a browser is little-endian.
  const words = new Uint32Array(data.data.buffer);
  const set = ((ALPHA << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  for (let n = 0; n < pixels.length; n++) if (pixels[n] === 1) words[n] = set;
  canvas.getContext('2d')?.putImageData(data, 0, 0);
  return canvas;
}
