import type { Annotation } from '../api/shapes.ts';
import { type ClassColour, colourOf } from './colours.ts';
import type { Pen } from './pen.ts';
import { overlap, type Rect } from './placing.ts';
import { chipWords, nameOf, onOneLine } from './words.ts';

/** The name of an object that has a position, and the box around it in CSS pixels of the frame. */
export interface ObjectChip extends Rect {
  annotation: Annotation;
  colour: ClassColour;
}

export interface Frame {
  annotations: readonly Annotation[];
  /** The part of the frame in which the picture is seen. */
  area: Rect;
  large: boolean;
  foot?: number;
  /** Whether small objects have their names, too. */
  always?: boolean;
}

/** Smaller boxes have no name: it would hide them. */
const LEAST_PX = { width: 26, height: 18 };
/** A picture by itself has all names, unless these are too many to be read. */
const MOST_NAMED = 60;
const PADDING_PX = 4;
const GAP_PX = 2;
const CAPTION: ClassColour = { rgb: [16, 20, 24], css: 'rgb(16 20 24 / 0.78)', text: '#fff' };
const FAMILY = 'system-ui, "Segoe UI", Roboto, sans-serif';

const sizesOf = (large: boolean) =>
  large ? { font: `600 12px ${FAMILY}`, heightPx: 18 } : { font: `600 10.5px ${FAMILY}`, heightPx: 15 };

/** Draws the names of objects, above their boxes or within. Those of small ones come last, and so lie on top. */
export function drawChips(context: Pen, frame: Frame, chips: readonly ObjectChip[]): void {
  const { area, large, always = false } = frame;
  const { font, heightPx } = sizesOf(large);
  const all = always || (large && chips.length <= MOST_NAMED);
  const named = chips.flatMap((chip) => {
    if (chip.annotation.label === undefined) return [];
    const seen = overlap(chip, area);
    if (seen === undefined) return [];
    if (!all && (seen.width < LEAST_PX.width || seen.height < LEAST_PX.height)) return [];
    return [{ ...chip, ...seen }];
  });
  context.font = font;
  for (const { annotation, colour, left, top, width } of named.sort(
    (a, b) => b.width * b.height - a.width * a.height,
  )) {
    const most = (all ? Math.max(width, 180) : width) - 2 * PADDING_PX;
    const whole = chipWords(annotation);
    const text = widthOf(context, font, whole) <= most ? whole : fitted(context, font, nameOf(annotation), most);
    if (text === '') continue;
    const wide = widthOf(context, font, text) + 2 * PADDING_PX;
    const x = Math.max(area.left, Math.min(left, area.left + area.width - wide));
    drawChip(context, colour, text, { x, y: top - heightPx >= area.top ? top - heightPx : top, wide, heightPx });
  }
}

/** Draws what is said of the whole picture: classes, and in a grid the beginning of its caption, at its bottom left. */
export function drawTagChips(context: Pen, frame: Frame): void {
  const { annotations, area, large, foot = 0 } = frame;
  const { font, heightPx } = sizesOf(large);
  const edge = large ? 8 : 5;
  const [start, end] = [area.left + edge, area.left + area.width - edge];
  context.font = font;
  let captioned = false;
  let x = start;
  let y = area.top + area.height - edge - foot - heightPx;
  for (const annotation of annotations) {
    if (hasPosition(annotation)) continue;
    const { caption, label } = annotation;
    // The large view shows captions below the picture. In a grid, the others would hide it.
    if (caption !== undefined && (large || captioned)) continue;
    captioned ||= caption !== undefined;
    const words = caption === undefined ? chipWords(annotation) : caption.trim().split('\n', 1)[0];
    const text = fitted(context, font, words ?? '', end - start - 2 * PADDING_PX);
    if (text === '') continue;
    const wide = widthOf(context, font, text) + 2 * PADDING_PX;
    if (x > start && x + wide > end) {
      x = start;
      y -= heightPx + GAP_PX;
    }
    if (y < area.top) return;
    drawChip(context, caption === undefined ? colourOf(label ?? '') : CAPTION, text, { x, y, wide, heightPx });
    x += wide + GAP_PX;
  }
}

const hasPosition = ({ bounding_box, points, mask, keypoints }: Annotation) =>
  (bounding_box ?? points ?? mask ?? keypoints) !== undefined;

function drawChip(
  context: Pen,
  colour: ClassColour,
  text: string,
  { x, y, wide, heightPx }: { x: number; y: number; wide: number; heightPx: number },
) {
  context.fillStyle = colour.css;
  context.beginPath();
  context.roundRect(x, y, wide, heightPx, 3);
  context.fill();
  context.fillStyle = colour.text;
  context.textBaseline = 'middle';
  context.fillText(text, x + PADDING_PX, y + heightPx / 2 + 0.5);
}

/** A text, or its beginning if it is too wide; empty if not even two letters fit. */
function fitted(context: Pen, font: string, text: string, most: number): string {
  const line = onOneLine(text);
  if (widthOf(context, font, line) <= most) return line;
  const letters = [...line].slice(0, 200);
  const beginning = (length: number) => `${letters.slice(0, length).join('').trimEnd()}…`;
  let [fits, tooMany] = [0, letters.length + 1];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (widthOf(context, font, beginning(middle)) <= most) fits = middle;
    else tooMany = middle;
  }
  return fits < 2 ? '' : beginning(fits);
}

/** Measuring a text takes longer than drawing it, and names repeat. */
const widths = new Map<string, number>();
const MOST_WIDTHS = 20_000;

function widthOf(context: Pen, font: string, text: string): number {
  const key = `${font} ${text}`;
  const before = widths.get(key);
  if (before !== undefined) return before;
  if (widths.size >= MOST_WIDTHS) widths.clear();
  const { width } = context.measureText(text);
  widths.set(key, width);
  return width;
}
