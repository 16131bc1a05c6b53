import sharp from 'sharp';

const WIDTH = 256;
const HEIGHT = 192;
/** Pictures that share palette, light and motif, as frames of a burst do. */
export const SCENES_PER_MOTIF = 5;

/**
 * A photograph-like JPEG: soft light, coarse to fine texture, a few things in front, grain. The same number draws the
 * same picture. Numbers of one motif (five in a row) draw pictures that resemble each other.
 */
export async function drawScene(n: number): Promise<Buffer> {
  const motif = randomNumbers(Math.floor(n / SCENES_PER_MOTIF) + 1);
  const variant = randomNumbers(100_003 + n);
  const hue = motif() * 360;
  const [light, texture, grain] = await Promise.all([
    softNoise(motif, { columns: 3, rows: 3, low: 40, high: 230, saturation: motif() }),
    softNoise(motif, { columns: 32, rows: 24, low: 96, high: 160, saturation: 0.2 }),
    softNoise(variant, { columns: 256, rows: 192, low: 112, high: 144, saturation: 0.1 }),
  ]);
  return sharp(light, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .composite([
      { input: texture, raw: { width: WIDTH, height: HEIGHT, channels: 3 }, blend: 'soft-light' },
      { input: Buffer.from(things(motif, variant, hue)) },
      { input: grain, raw: { width: WIDTH, height: HEIGHT, channels: 3 }, blend: 'soft-light' },
    ])
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** Shapes of the motif, each moved, turned and coloured a little differently in each variant. */
function things(motif: () => number, variant: () => number, hue: number): string {
  const shapes = Array.from({ length: 3 + Math.floor(motif() * 6) }, () => {
    const x = motif() * WIDTH + (variant() - 0.5) * 0.2 * WIDTH;
    const y = motif() * HEIGHT + (variant() - 0.5) * 0.2 * HEIGHT;
    const width = (0.08 + 0.3 * motif()) * WIDTH * (0.85 + 0.3 * variant());
    const height = (0.08 + 0.3 * motif()) * HEIGHT * (0.85 + 0.3 * variant());
    const turn = motif() * 180 + (variant() - 0.5) * 30;
    const color = `hsl(${hue + motif() * 120 + variant() * 20} ${20 + motif() * 70}% ${15 + motif() * 65}%)`;
    const kind = motif();
    const shape =
      kind < 0.5
        ? `<ellipse rx="${width / 2}" ry="${height / 2}" fill="${color}"/>`
        : `<rect x="${-width / 2}" y="${-height / 2}" width="${width}" height="${height}" fill="${color}"/>`;
    return `<g transform="translate(${x} ${y}) rotate(${turn})" opacity="${0.6 + 0.4 * motif()}">${shape}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${shapes.join('')}</svg>`;
}

interface Noise {
  columns: number;
  rows: number;
  low: number;
  high: number;
  /** 0: grey, 1: each channel by itself. */
  saturation: number;
}

function softNoise(random: () => number, { columns, rows, low, high, saturation }: Noise): Promise<Buffer> {
  const cells = Buffer.alloc(columns * rows * 3);
  for (let cell = 0; cell < cells.length; cell += 3) {
    const grey = random();
    for (let c = 0; c < 3; c++)
      cells[cell + c] = low + (high - low) * (grey * (1 - saturation) + random() * saturation);
  }
  return sharp(cells, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(WIDTH, HEIGHT, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}

/** Numbers in 0-1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
