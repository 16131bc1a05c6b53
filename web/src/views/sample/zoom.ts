export interface Size {
  width: number;
  height: number;
}

/** Pixels of the screen for a pixel of the picture, at most. */
export const LARGEST = 16;
const STEP = 1.5;

/** The scale at which a picture fits into a window. A small picture keeps its size. */
export const fitting = (picture: Size, frame: Size): number =>
  Math.min(1, frame.width / picture.width, frame.height / picture.height);

/** The next scale in or out; undefined when the picture fits again. */
export function nextScale(scale: number, fit: number, direction: 1 | -1): number | undefined {
  const next = Math.min(LARGEST, scale * STEP ** direction);
  return next <= fit ? undefined : next;
}

/** Where the frame scrolls to, so that a point of the picture stays where it is in the frame. */
export function scrollAfter(
  { scroll, at, scale, to }: { scroll: number; at: number; scale: number; to: number },
  pictureSide: number,
  frameSide: number,
): number {
  const margin = Math.max(0, frameSide - pictureSide * scale) / 2;
  return Math.max(0, ((scroll + at - margin) / scale) * to - at);
}
