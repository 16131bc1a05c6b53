/**
 * Draws the pictures of examples/images: eight families of related ones, in every supported format and several
 * orientations. Everything is computed from seeds, so that drawing again changes nothing.
 *
 *     node scripts/draw-examples.ts
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { drawCities } from './examples/cities.ts';
import type { Drawing } from './examples/drawing.ts';
import { drawFabrics } from './examples/fabrics.ts';
import { drawFlowers } from './examples/flowers.ts';
import { drawFruit } from './examples/fruit.ts';
import { drawHills } from './examples/hills.ts';
import { drawPortraits } from './examples/portraits.ts';
import { drawSea } from './examples/sea.ts';
import { drawSkies } from './examples/skies.ts';

const IMAGES = join(import.meta.dirname, '../examples/images');

type Encode = (drawing: Drawing) => Promise<[extension: string, bytes: Buffer]>;

const asJpeg = encodeBySharp('jpg', (image) => image.flatten().jpeg({ quality: 82, mozjpeg: true }));
const asWebp = encodeBySharp('webp', (image) => image.webp({ quality: 80 }));
const asAvif = encodeBySharp('avif', (image) => image.flatten().avif({ quality: 55 }));
const asPng = encodeBySharp('png', (image) => image.png({ palette: true, colours: 128, effort: 8 }));
const asGif = encodeBySharp('gif', (image) => image.flatten().gif({ colours: 64, effort: 8, dither: 0.6 }));
const asTiff = encodeBySharp('tif', (image) => image.flatten().tiff({ compression: 'jpeg', quality: 80 }));
const asGreyJpeg = encodeBySharp('jpg', (image) => image.flatten().grayscale().jpeg({ quality: 84, mozjpeg: true }));
const asSvg: Encode = async ({ name, svg }) => ['svg', Buffer.from(svg.replace('>', `><title>${name}</title>`))];

/** Formats and orientations of pictures that are not upright JPEG files. */
const ENCODINGS: Record<string, Encode> = {
  'city/neon': asWebp,
  'city/moonlit': asAvif,
  'city/blue-hour': turnedJpeg(3, (image) => image.rotate(180)),
  'fabric/gingham': asPng,
  'fabric/tartan-sand': asWebp,
  'fabric/herringbone': asGreyJpeg,
  'flowers/dahlia': asWebp,
  'flowers/asters': asAvif,
  'flowers/sunflower': turnedJpeg(6, (image) => image.rotate(270)),
  'fruit/apple': asPng,
  'fruit/kiwi': asWebp,
  'fruit/cherries': turnedJpeg(8, (image) => image.rotate(90)),
  'hills/snow-peaks': asTiff,
  'hills/desert': asAvif,
  'hills/dusk-in-the-pines': turnedJpeg(5, (image) => image.rotate(270).flop()),
  'portrait/the-captain': asSvg,
  'portrait/the-weaver': asSvg,
  'portrait/the-stargazer': asGif,
  'portrait/the-reader': asPng,
  'sea/lighthouse': asWebp,
  'sea/load-line-green': asTiff,
  'sea/regatta': turnedJpeg(2, (image) => image.flop()),
  'sky/moon': asWebp,
};

function encodeBySharp(extension: string, encode: (image: Sharp) => Sharp): Encode {
  return async ({ svg }) => [extension, await encode(sharp(Buffer.from(svg))).toBuffer()];
}

/** Encodes a rotated JPEG with an EXIF orientation, as a camera held on its side does. */
function turnedJpeg(orientation: number, turn: (image: Sharp) => Sharp): Encode {
  return async ({ svg }) => {
    const upright = await sharp(Buffer.from(svg)).flatten().png().toBuffer();
    // Use two passes, because sharp rotates before it mirrors, whatever the order of calls.
    const turned = await turn(sharp(upright)).png().toBuffer();
    return ['jpg', await sharp(turned).withMetadata({ orientation }).jpeg({ quality: 82, mozjpeg: true }).toBuffer()];
  };
}

await rm(IMAGES, { recursive: true, force: true });
const drawings = [
  drawSkies,
  drawHills,
  drawSea,
  drawFlowers,
  drawFabrics,
  drawCities,
  drawFruit,
  drawPortraits,
].flatMap((draw) => draw());
let total = 0;
for (const drawing of drawings) {
  const [extension, bytes] = await (ENCODINGS[drawing.name] ?? asJpeg)(drawing);
  const path = join(IMAGES, `${drawing.name}.${extension}`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  total += bytes.length;
}
console.error(`${drawings.length} pictures, ${(total / 1e6).toFixed(1)} MB`);
