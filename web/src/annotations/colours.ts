/** The colour of a class, and what can be read on it. */
export interface ClassColour {
  rgb: readonly [red: number, green: number, blue: number];
  css: string;
  /** Black or white, whichever contrasts more. */
  text: '#000' | '#fff';
}

const GOLDEN_ANGLE = 137.508;
const SATURATION = 0.82;
/** Each has a contrast of at least 3 to black and to white, so outlines are seen on any picture. */
const LUMINANCES = [0.16, 0.22, 0.29] as const;

const known = new Map<string, ClassColour>();
const MOST_KNOWN = 10_000;

/**
 * The colour of a class, which depends on its name alone: it is the same in every dataset and after a reload. The hash
 * of the name is spread over the hues by the golden angle.
 */
export function colourOf(name: string): ClassColour {
  const before = known.get(name);
  if (before !== undefined) return before;
  const hash = hashOf(name);
  const hue = ((hash & 0xffff) * GOLDEN_ANGLE) % 360;
  const luminance = LUMINANCES[(hash >>> 16) % LUMINANCES.length] ?? LUMINANCES[0];
  const rgb = colourAt(hue, luminance);
  const colour: ClassColour = {
    rgb,
    css: `rgb(${rgb.join(' ')})`,
    text: luminanceOf(rgb) + 0.05 > Math.sqrt(1.05 * 0.05) ? '#000' : '#fff',
  };
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(name, colour);
  return colour;
}

/** With this seed, the most frequent classes of COCO and Pascal VOC (person, car, chair …) are far apart. */
const SEED = 2837;

/** FNV-1a over UTF-16 units, with MurmurHash3's finish: its low bits alone hardly differ for similar names. */
function hashOf(text: string): number {
  let hash = SEED;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The colour of a hue that has a luminance. Lightness alone does not tell it: yellow is far brighter than blue. */
function colourAt(hue: number, luminance: number): [number, number, number] {
  let [dark, light] = [0, 1];
  for (let n = 0; n < 12; n++) {
    const middle = (dark + light) / 2;
    if (luminanceOf(rgbOf(hue, middle)) < luminance) dark = middle;
    else light = middle;
  }
  return rgbOf(hue, light);
}

/** HSL to sRGB: https://www.w3.org/TR/css-color-4/#hsl-to-rgb */
function rgbOf(hue: number, lightness: number): [number, number, number] {
  const spread = SATURATION * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
export function luminanceOf([red, green, blue]: readonly [number, number, number]): number {
  const linear = (channel: number) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}
