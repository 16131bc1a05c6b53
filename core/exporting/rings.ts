import type { Point } from '../../contract/annotation.ts';

/** Whether a ring lies in another, if the two do not cross: whether its first corner that is not on the other does. */
export function isInside(ring: readonly Point[], other: readonly Point[]): boolean {
  const corner = ring.find((point) => !other.some(([x, y]) => x === point[0] && y === point[1]));
  return corner !== undefined && surrounds(other, corner);
}

/** Whether an odd number of edges is to the right of a point. */
function surrounds(ring: readonly Point[], [x, y]: Point): boolean {
  let isIn = false;
  ring.forEach(([x1, y1], index) => {
    const [x2, y2] = ring[(index + 1) % ring.length] as Point;
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) isIn = !isIn;
  });
  return isIn;
}
