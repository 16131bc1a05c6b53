import sharp, { type Sharp } from 'sharp';

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
const RGBA = 4;

/**
 * An image of RGBA pixels with a colour profile. sharp attaches a profile to raw pixels only by converting them to it,
 * so the pixels are wrapped in an uncompressed TIFF.
 */
export function withProfile(
  { width, height, pixels }: { width: number; height: number; pixels: Uint8Array },
  profile: Uint8Array | undefined,
): Sharp {
  if (profile === undefined) return sharp(pixels, { raw: { width, height, channels: RGBA } });
  const fields = 13;
  const directoryAt = 8;
  const bitsAt = directoryAt + 2 + fields * 12 + 4;
  const profileAt = bitsAt + RGBA * 2;
  const pixelsAt = profileAt + profile.length + (profile.length % 2);
  const head = Buffer.alloc(pixelsAt);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(directoryAt, 4);
  head.writeUInt16LE(fields, directoryAt);
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, RGBA, bitsAt],
    [259, SHORT, 1, 1],
    [262, SHORT, 1, 2],
    [273, LONG, 1, pixelsAt],
    [274, SHORT, 1, 1],
    [277, SHORT, 1, RGBA],
    [278, LONG, 1, height],
    [279, LONG, 1, pixels.length],
    [284, SHORT, 1, 1],
    [338, SHORT, 1, 2],
    [34675, UNDEFINED, profile.length, profileAt],
  ];
  for (const [n, [tag, type, count, value]] of entries.entries()) {
    const at = directoryAt + 2 + n * 12;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(count, at + 4);
    head.writeUInt32LE(value, at + 8);
  }
  for (let n = 0; n < RGBA; n++) head.writeUInt16LE(8, bitsAt + n * 2);
  head.set(profile, profileAt);
  return sharp(Buffer.concat([head, pixels]));
}
