import type { Annotation, Mask, Point } from '../api/shapes.ts';
import { drawChips, drawTagChips, type ObjectChip } from './chips.ts';
import { type ClassColour, colourOf } from './colours.ts';
import type { MaskImage, Path, Pen } from './pen.ts';
import { boxAround, type Fit, onFrame, overlap, placeIn, type Rect } from './placing.ts';
import type { ShownAnnotations } from './shown.ts';

/** The annotations of a picture, and how they are to be drawn over it. */
export interface Drawing {
  annotations: readonly Annotation[];
  picture: { width: number; height: number };
  fit: Fit;
  /** Size of the frame in CSS pixels. */
  width: number;
  height: number;
  /** Device pixels per CSS pixel. */
  ratio: number;
  /** Whether the picture is looked at by itself: lines are thicker, and more has its name beside it. */
  large: boolean;
  /** The height at the bottom that is left free for what is shown there, in CSS pixels. */
  foot?: number;
  /** Drawn above the others, which fade. */
  highlighted?: Annotation | undefined;
  /** The pairs of keypoints, from 0, that are joined. */
  skeletonOf: ShownAnnotations['skeletonOf'];
  /** @param side the longer side of the picture as it is drawn, in device pixels */
  maskImage: (mask: Mask, colour: ClassColour, side: number) => MaskImage | undefined;
  newPath: () => Path;
}

const FADED = 0.25;
const FILL_ALPHA = 0.25;
/** Below each line lies a darker, wider one, so that it is seen on any picture. */
const HALO: ClassColour = { rgb: [0, 0, 0], css: 'rgb(0 0 0 / 0.45)', text: '#fff' };
const HALO_PX = 1.6;
const DASHES = [5, 4];
/** A tile with more objects than this has thin lines: halos would fill it. */
const CROWD = 60;

/**
 * Draws annotations on a canvas of the frame's size. All lines of a class are drawn at once: a picture with 300 objects
 * takes hardly more calls than one with three.
 */
export function draw(context: Pen, drawing: Drawing): void {
  const { annotations, picture, fit, width, height, ratio, large, foot = 0, highlighted } = drawing;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const place = placeIn(fit, picture, width, height);
  const area = overlap(place, { left: 0, top: 0, width, height });
  if (area === undefined) return;
  const frame = { annotations, area, large, foot };
  if (highlighted === undefined) {
    drawChips(context, frame, drawShapes(context, drawing, place, annotations));
  } else {
    context.globalAlpha = FADED;
    drawShapes(
      context,
      drawing,
      place,
      annotations.filter((each) => each !== highlighted),
    );
    context.globalAlpha = 1;
    drawChips(context, { ...frame, always: true }, drawShapes(context, drawing, place, [highlighted]));
  }
  drawTagChips(context, frame);
}

/** The lines and dots of one class. */
type Part = 'solid' | 'dashed' | 'thick' | 'dots';
interface Strokes extends Partial<Record<Part, Path>> {
  colour: ClassColour;
  newPath: () => Path;
}

function partOf(strokes: Strokes, part: Part): Path {
  strokes[part] ??= strokes.newPath();
  return strokes[part];
}

/** Draws everything but names, and returns those. */
function drawShapes(
  context: Pen,
  { ratio, large, skeletonOf, maskImage, newPath }: Drawing,
  place: Rect,
  annotations: readonly Annotation[],
): ObjectChip[] {
  const at = onFrame(place);
  const strokes = new Map<string, Strokes>();
  const chips: ObjectChip[] = [];
  for (const annotation of annotations) {
    const { label, bounding_box, points, oriented, mask, keypoints, iscrowd } = annotation;
    const colour = colourOf(label ?? '');
    const image = mask && maskImage(mask, colour, Math.max(place.width, place.height) * ratio);
    if (image) drawMask(context, image, at);
    const of = strokes.get(colour.css) ?? { colour, newPath };
    strokes.set(colour.css, of);
    const line = iscrowd ? 'dashed' : 'solid';
    if (points) {
      const path = newPath();
      for (const ring of points) addRing(path, ring, at);
      if (!oriented) {
        context.fillStyle = `rgb(${colour.rgb.join(' ')} / ${FILL_ALPHA})`;
        context.fill(path, 'evenodd');
      }
      partOf(of, line).addPath(path);
      if (oriented) addLine(partOf(of, 'thick'), points[0]?.[0], points[0]?.[1], at);
    }
    // The box of a polygon or a mask says nothing that its outline does not.
    if (bounding_box && !points && !mask) {
      const [x, y] = at(bounding_box[0], bounding_box[1]);
      partOf(of, line).rect(x, y, bounding_box[2] * place.width, bounding_box[3] * place.height);
    }
    if (keypoints) addKeypoints(of, keypoints, skeletonOf(label), at, large ? 3.5 : 2);
    const around = boxAround(annotation) ?? image?.box;
    if (around) {
      const [left, top] = at(around[0], around[1]);
      chips.push({ annotation, colour, left, top, width: around[2] * place.width, height: around[3] * place.height });
    }
  }
  drawStrokes(context, newPath, [...strokes.values()], large ? 2 : annotations.length > CROWD ? 1 : 1.5);
  return chips;
}

function drawStrokes(context: Pen, newPath: () => Path, all: readonly Strokes[], lineWidth: number) {
  const halo: Strokes = { colour: HALO, newPath };
  if (lineWidth > 1)
    for (const part of ['solid', 'dashed', 'thick'] as const)
      for (const { [part]: path } of all) if (path) partOf(halo, part).addPath(path);
  context.lineJoin = 'round';
  for (const strokes of [halo, ...all]) {
    const { colour, solid, dashed, thick, dots } = strokes;
    const wider = strokes === halo ? HALO_PX : 0;
    context.strokeStyle = colour.css;
    context.lineWidth = lineWidth + wider;
    if (solid) context.stroke(solid);
    if (dashed) {
      context.setLineDash(DASHES);
      context.stroke(dashed);
      context.setLineDash([]);
    }
    if (thick) {
      context.lineWidth = 2.2 * lineWidth + wider;
      context.stroke(thick);
    }
    if (dots) {
      context.fillStyle = colour.css;
      context.fill(dots);
    }
  }
}

type Place = ReturnType<typeof onFrame>;

function drawMask(context: Pen, { image, box }: MaskImage, at: Place) {
  const [left, top] = at(box[0], box[1]);
  const [right, bottom] = at(box[0] + box[2], box[1] + box[3]);
  context.drawImage(image, left, top, right - left, bottom - top);
}

function addRing(path: Path, ring: readonly Point[], at: Place) {
  for (const [n, [x, y]] of ring.entries()) {
    if (n === 0) path.moveTo(...at(x, y));
    else path.lineTo(...at(x, y));
  }
  path.closePath();
}

function addLine(path: Path, from: readonly number[] | undefined, to: readonly number[] | undefined, at: Place) {
  if (from === undefined || to === undefined) return;
  path.moveTo(...at(from[0] ?? 0, from[1] ?? 0));
  path.lineTo(...at(to[0] ?? 0, to[1] ?? 0));
}

/** Positions that can be seen are dots, hidden ones rings. Lines join what is labelled. */
function addKeypoints(
  strokes: Strokes,
  keypoints: NonNullable<Annotation['keypoints']>,
  skeleton: ReturnType<ShownAnnotations['skeletonOf']>,
  at: Place,
  radius: number,
) {
  for (const [from = -1, to = -1] of skeleton) {
    const ends = [keypoints[from], keypoints[to]] as const;
    if (ends.every((end) => end !== undefined && end[2] > 0)) addLine(partOf(strokes, 'solid'), ...ends, at);
  }
  for (const [x, y, visibility] of keypoints) {
    if (visibility === 0) continue;
    const [left, top] = at(x, y);
    const path = partOf(strokes, visibility === 1 ? 'solid' : 'dots');
    path.moveTo(left + radius, top);
    path.arc(left, top, radius, 0, 2 * Math.PI);
  }
}
