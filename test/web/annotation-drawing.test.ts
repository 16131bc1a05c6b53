import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { colourOf, luminanceOf } from '../../web/src/annotations/colours.ts';
import { type Drawing, draw } from '../../web/src/annotations/draw.ts';
import { decodeMask } from '../../web/src/annotations/mask.ts';
import type { Path, Pen } from '../../web/src/annotations/pen.ts';
import { inField, shownOf } from '../../web/src/annotations/shown.ts';
import { countWords } from '../../web/src/annotations/words.ts';
import type { Annotation, Mask } from '../../web/src/api/shapes.ts';

const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

describe('the colour of a class', () => {
  const NAMES = [
    ...Array.from({ length: 500 }, (_, n) => `class ${n}`),
    '',
    '__proto__',
    '😀',
    '\n',
    'x'.repeat(10_000),
  ];

  test('is the same at any time: these are written down', () => {
    expect(['person', 'car', 'cat'].map((name) => colourOf(name).css)).toEqual([
      'rgb(134 74 237)',
      'rgb(217 21 95)',
      'rgb(19 171 17)',
    ]);
  });

  test('is seen on black and on white, and its text can be read', () => {
    for (const name of NAMES) {
      const { rgb, text } = colourOf(name);
      const luminance = luminanceOf(rgb);
      expect(contrast(luminance, 0)).toBeGreaterThan(3);
      expect(contrast(luminance, 1)).toBeGreaterThan(3);
      expect(contrast(luminance, text === '#000' ? 0 : 1)).toBeGreaterThan(4.5);
    }
  });

  test('is rarely that of another', () => {
    expect(new Set(NAMES.map((name) => colourOf(name).css)).size).toBeGreaterThan(0.7 * NAMES.length);
  });
});

interface MaskCase {
  name: string;
  mask: Mask;
  rows: string[];
}
const masks: MaskCase[] = JSON.parse(readFileSync(join(import.meta.dirname, 'annotations/masks.json'), 'utf8'));

/** A decoded part within the whole mask, as rows of characters. */
function whole({ size: [height, width] }: Mask, part: ReturnType<typeof decodeMask>): string[] {
  const rows = Array.from({ length: height }, () => Array.from({ length: width }, () => '.'));
  if (part === undefined) return rows.map((row) => row.join(''));
  const [left, top] = [Math.round(part.box[0] * width), Math.round(part.box[1] * height)];
  for (let n = 0; n < part.pixels.length; n++) {
    const row = rows[top + Math.floor(n / part.columns)] as string[];
    if (part.pixels[n] === 1) row[left + (n % part.columns)] = '#';
  }
  return rows.map((row) => row.join(''));
}

describe('a mask', () => {
  test.each(masks)('has the pixels that pycocotools decodes: $name', ({ mask, rows }) => {
    expect(whole(mask, decodeMask(mask, 1000))).toEqual(rows);
  });

  test('is sampled where fewer pixels are enough, at the same place', () => {
    // 400 x 200 pixels, of which the columns 100 to 299 are set.
    const mask: Mask = { size: [200, 400], counts: countsOf([20_000, 40_000, 20_000]) };
    expect(decodeMask(mask, 40)).toEqual({
      box: [0.25, 0, 0.5, 1],
      columns: 20,
      rows: 20,
      pixels: new Uint8Array(400).fill(1),
    });
  });

  test.each([
    ['is cut off', 'P'],
    ['says more pixels than there are', countsOf([1, 1e9])],
    ['has runs below zero', countsOf([5, -3, 2, 4])],
    ['is no RLE', '\u0000é😀'],
  ])('that %s is decoded within its size', (_, counts) => {
    const part = decodeMask({ size: [3, 4], counts }, 100);
    expect(part?.pixels.length ?? 0).toBeLessThanOrEqual(12);
  });
});

/** `rleToString` of pycocotools, for runs of any length. */
function countsOf(lengths: number[]): string {
  let text = '';
  lengths.forEach((length, n) => {
    let left = n > 2 ? length - (lengths[n - 2] ?? 0) : length;
    for (let more = true; more; ) {
      const bits = left & 0x1f;
      left >>= 5;
      more = bits & 0x10 ? left !== -1 : left !== 0;
      text += String.fromCharCode((more ? bits | 0x20 : bits) + 48);
    }
  });
  return text;
}

/** The browser's Path2D, as far as drawing uses it: it remembers its parts. */
class RecordedPath implements Path {
  parts: unknown[][] = [];
  addPath(path: Path) {
    this.parts.push(...(path as RecordedPath).parts);
  }
  rect = (...numbers: number[]) => void this.parts.push(['rect', ...numbers]);
  moveTo = (...numbers: number[]) => void this.parts.push(['moveTo', ...numbers]);
  lineTo = (...numbers: number[]) => void this.parts.push(['lineTo', ...numbers]);
  arc = (x: number, y: number, radius: number) => void this.parts.push(['arc', x, y, radius]);
  closePath = () => void this.parts.push(['closePath']);
}

interface Call {
  name: string;
  of: unknown[];
  state: Record<string, unknown>;
}

/** A context that remembers each call with the state in which it was made. Letters are 6 pixels wide. */
function recordedContext() {
  const calls: Call[] = [];
  const state: Record<string, unknown> = {};
  const context = new Proxy(state, {
    get(target, name: string) {
      if (name in target) return target[name];
      if (name === 'measureText') return (text: string) => ({ width: 6 * text.length });
      return (...of: unknown[]) => {
        if (name === 'setLineDash') target.dash = of[0];
        calls.push({ name, of, state: { ...target } });
      };
    },
  });
  return { calls, context: context as unknown as Pen };
}

describe('drawing', () => {
  function drawn(annotations: Annotation[], options: Partial<Drawing> = {}) {
    const { calls, context } = recordedContext();
    draw(context, {
      annotations,
      picture: { width: 400, height: 200 },
      fit: 'contain',
      width: 400,
      height: 200,
      ratio: 2,
      large: true,
      skeletonOf: () => [],
      maskImage: () => undefined,
      newPath: () => new RecordedPath(),
      ...options,
    });
    const strokes = calls.filter(({ name }) => name === 'stroke');
    const texts = calls.filter(({ name }) => name === 'fillText').map(({ of }) => of[0]);
    return { calls, strokes, texts };
  }
  const partsOf = (call: Call | undefined) => (call?.of[0] as RecordedPath | undefined)?.parts;
  const box = (label: string, more: Partial<Annotation> = {}): Annotation => ({
    label,
    bounding_box: [0.25, 0.5, 0.25, 0.25],
    ...more,
  });

  test('puts a box where it is on the picture, in the colour of its class, with its name and confidence', () => {
    const { strokes, texts } = drawn([box('cat', { confidence: 0.918 })]);
    expect(partsOf(strokes.at(-1))).toEqual([['rect', 100, 100, 100, 50]]);
    expect(strokes.at(-1)?.state.strokeStyle).toBe(colourOf('cat').css);
    expect(texts).toEqual(['cat 0.92']);
  });

  test('follows the picture into a tile that it covers, and into a frame in which it fits', () => {
    const tile = drawn([box('cat')], { fit: 'cover', width: 100, height: 100, large: false });
    // The picture is 200 pixels wide there, and 50 of them are cut off at either side.
    expect(partsOf(tile.strokes.at(-1))).toEqual([['rect', 0, 50, 50, 25]]);
    const frame = drawn([box('cat')], { width: 400, height: 400 });
    expect(partsOf(frame.strokes.at(-1))).toEqual([['rect', 100, 200, 100, 50]]);
  });

  test('takes calls for each class and not for each object', () => {
    const many = Array.from({ length: 300 }, (_, n): Annotation => {
      return { label: `class ${n % 3}`, bounding_box: [(n % 20) / 20, Math.floor(n / 20) / 20, 0.01, 0.01] };
    });
    const { calls, strokes } = drawn(many, { fit: 'cover', width: 150, height: 150, large: false });
    expect(strokes).toHaveLength(3);
    expect(calls.length).toBeLessThan(20);
    expect(strokes.flatMap((call) => partsOf(call))).toHaveLength(300);
  });

  test('fills a polygon with a hole by the even-odd rule, and outlines it in place of its box', () => {
    const ring = (from: number, to: number): [number, number][] => [
      [from, from],
      [to, from],
      [to, to],
    ];
    const { calls, strokes } = drawn([box('cat', { points: [ring(0, 1), ring(0.4, 0.6)] })]);
    const fill = calls.find(({ name }) => name === 'fill');
    expect(fill?.of[1]).toBe('evenodd');
    expect(fill?.state.fillStyle).toBe(`rgb(${colourOf('cat').rgb.join(' ')} / 0.25)`);
    const names = partsOf(strokes.at(-1))?.map(([name]) => name);
    expect(names).toEqual([...Array.from({ length: 2 }, () => ['moveTo', 'lineTo', 'lineTo', 'closePath'])].flat());
  });

  test('marks the first edge of an oriented box, and does not fill it', () => {
    const corners: [number, number][] = [[0.1, 0.1], [0.5, 0.2], [0.4, 0.6], [0, 0.5]]; // biome-ignore format: corners
    const { calls, strokes } = drawn([{ label: 'ship', oriented: true, points: [corners] }]);
    expect(partsOf(strokes.at(-1))).toEqual([['moveTo', 40, 20], ['lineTo', 200, 40]]); // biome-ignore format: one edge
    expect(strokes.at(-1)?.state.lineWidth).toBeGreaterThan(strokes.at(-2)?.state.lineWidth as number);
    expect(calls.some(({ name, of }) => name === 'fill' && of[1] === 'evenodd')).toBe(false);
  });

  test('draws a mask over the place of its pixels', () => {
    const image = {};
    const { calls } = drawn([{ label: 'cat', mask: { size: [1, 1], counts: '01' } }], {
      maskImage: () => ({ image, box: [0.5, 0, 0.25, 0.5] }),
    });
    expect(calls.find(({ name }) => name === 'drawImage')?.of).toEqual([image, 200, 0, 100, 100]);
  });

  test('joins labelled keypoints: dots if they can be seen, rings if not, nothing if not labelled', () => {
    const keypoints: Annotation['keypoints'] = [[0, 0, 2], [0.5, 0.5, 1], [1, 1, 0]]; // biome-ignore format: points
    const { calls, strokes } = drawn([{ label: 'person', keypoints }], {
      skeletonOf: (label) => (label === 'person' ? [[0, 1], [1, 2]] : []), // biome-ignore format: pairs
    });
    const lines = partsOf(strokes.at(-1));
    expect(lines?.slice(0, 2)).toEqual([['moveTo', 0, 0], ['lineTo', 200, 100]]); // biome-ignore format: one line
    expect(lines?.filter(([name]) => name === 'lineTo')).toHaveLength(1);
    expect(lines?.filter(([name]) => name === 'arc').map(([, x, y]) => [x, y])).toEqual([[200, 100]]);
    const dots = calls.filter(({ name, of }) => name === 'fill' && of.length > 0);
    expect(dots.flatMap((call) => partsOf(call)?.filter(([name]) => name === 'arc'))).toEqual([['arc', 0, 0, 3.5]]);
  });

  test('dashes crowds only', () => {
    const { strokes } = drawn([box('cat'), box('dog', { iscrowd: true })]);
    const dashed = strokes.filter(({ state }) => (state.dash as number[] | undefined)?.length === 2);
    expect(dashed.at(-1)?.state.strokeStyle).toBe(colourOf('dog').css);
    expect(strokes.find(({ state }) => state.strokeStyle === colourOf('cat').css)?.state.dash).not.toHaveLength(2);
  });

  test('leaves out names for which a box in a tile is too small, and shortens long ones', () => {
    const tile = { fit: 'cover', width: 150, height: 150, large: false } as const;
    const small = box('cat', { bounding_box: [0.4, 0.4, 0.05, 0.05] });
    expect(drawn([small], tile).texts).toEqual([]);
    expect(drawn([small]).texts).toEqual(['cat']);
    expect(drawn([box('a very long\nname', { bounding_box: [0.4, 0.4, 0.25, 0.5] })], tile).texts).toEqual([
      'a very lon…',
    ]);
  });

  test('says in a corner what is said of the whole picture, and only begins a caption', () => {
    const annotations = [
      { label: 'indoor', confidence: 0.5 },
      { caption: 'A cat.\nIt sleeps.' },
      { caption: 'Another.' },
    ];
    expect(drawn(annotations, { large: false }).texts).toEqual(['indoor 0.50', 'A cat.']);
    expect(drawn(annotations).texts).toEqual(['indoor 0.50']);
  });

  test('fades the others while one is highlighted', () => {
    const [cat, dog] = [box('cat'), box('dog')];
    const { strokes, texts } = drawn([cat, dog], { highlighted: cat });
    const alphaOf = (label: string) =>
      strokes.find(({ state }) => state.strokeStyle === colourOf(label).css)?.state.globalAlpha;
    expect([alphaOf('cat'), alphaOf('dog')]).toEqual([1, 0.25]);
    expect(texts).toEqual(['cat']);
  });
});

describe('what is shown of a sample', () => {
  const skeletonOf = () => [];
  const cat: Annotation = { label: 'cat' };
  const caption: Annotation = { caption: 'A cat.' };

  test('is a field, without the classes that are hidden', () => {
    const annotations = { truth: [cat, { label: 'dog' }, caption] };
    const shown = { field: 'truth', hidden: new Set(['dog']), skeletonOf };
    expect(shownOf({ annotations }, shown)).toEqual([cat, caption]);
    expect(shownOf({ annotations }, { ...shown, hidden: new Set() })).toBe(annotations.truth);
    expect(shownOf({ annotations }, undefined)).toEqual([]);
  });

  test('is nothing if a field has the name of what every object has', () => {
    expect(inField({ annotations: {} }, '__proto__')).toEqual([]);
    expect(inField({}, 'constructor')).toEqual([]);
  });

  test('is counted in words, the most frequent first', () => {
    const words = countWords([caption, cat, { label: 'dog' }, cat, { bounding_box: [0, 0, 1, 1] }]);
    expect(words.replaceAll('\u00a0', ' ')).toBe('2 × cat, 1 × caption, 1 × dog, 1 × no class');
  });
});
