import sharp from 'sharp';
import { randomNumbers } from '../../scripts/random-numbers.ts';

const WIDTH = 192;
const HEIGHT = 144;

/** Draws a varied picture: a gradient, and shapes of many sizes, colours and outlines. The same number gives the same. */
export function drawVaried(number: number): Promise<Buffer> {
  const random = randomNumbers(number + 1);
  const upTo = (most: number) => Math.round(random() * most);
  const color = () => `hsl(${upTo(360)} ${30 + upTo(70)}% ${10 + upTo(80)}%)`;
  const shape = () => {
    const [x, y, size] = [upTo(WIDTH), upTo(HEIGHT), 8 + upTo(60)];
    const paint = `fill="${random() < 0.8 ? color() : 'none'}" stroke="${color()}" stroke-width="${upTo(5)}"`;
    const turned = `transform="rotate(${upTo(360)} ${x} ${y})"`;
    const kind = random();
    if (kind < 0.4) return `<ellipse cx="${x}" cy="${y}" rx="${size}" ry="${4 + upTo(40)}" ${paint} ${turned}/>`;
    if (kind < 0.8) return `<rect x="${x}" y="${y}" width="${size}" height="${4 + upTo(60)}" ${paint} ${turned}/>`;
    return `<polygon points="${x},${y} ${upTo(WIDTH)},${upTo(HEIGHT)} ${upTo(WIDTH)},${upTo(HEIGHT)}" ${paint}/>`;
  };
  const shapes = Array.from({ length: 6 + upTo(14) }, shape).join('');
  const background = `<linearGradient id="g" gradientTransform="rotate(${upTo(90)})"><stop offset="0" stop-color="${color()}"/><stop offset="1" stop-color="${color()}"/></linearGradient>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><defs>${background}</defs><rect width="100%" height="100%" fill="url(#g)"/>${shapes}</svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 92 }).toBuffer();
}

/** A picture as other programs leave it: resized, recompressed, or with 5 % cut off. */
export const ALTERATIONS: readonly ((picture: Buffer) => Promise<Buffer>)[] = [
  (picture) =>
    sharp(picture)
      .resize(Math.round(WIDTH / 2))
      .jpeg({ quality: 90 })
      .toBuffer(),
  (picture) => sharp(picture).webp({ quality: 40 }).toBuffer(),
  (picture) =>
    sharp(picture)
      .extract({ left: 3, top: 5, width: Math.round(WIDTH * 0.95), height: Math.round(HEIGHT * 0.95) })
      .jpeg({ quality: 85 })
      .toBuffer(),
];
