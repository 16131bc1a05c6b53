import type { Box, Point } from '../../../contract/annotation.ts';

const CORNERS_OF_ELLIPSE = 32;

/** The corners of a polygon in place of an ellipse, clockwise as displayed. @param rotation in degrees, clockwise */
export function ellipsePolygon([x, y]: Point, [rx, ry]: Point, rotation = 0): Point[] {
  const turn = (rotation * Math.PI) / 180;
  return Array.from({ length: CORNERS_OF_ELLIPSE }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / CORNERS_OF_ELLIPSE;
    return turned([x, y], [rx * Math.cos(angle), ry * Math.sin(angle)], turn);
  });
}

/**
 * The corners of a box that is turned, clockwise from what was its left top.
 *
 * @param pivot the point that it is turned about
 * @param rotation in degrees, clockwise
 */
export function turnedBox([left, top, width, height]: Box, pivot: Point, rotation: number): Point[] {
  const turn = (rotation * Math.PI) / 180;
  const [x, y] = [left - pivot[0], top - pivot[1]];
  const offsets: Point[] = [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
  return offsets.map((offset) => turned(pivot, offset, turn));
}

function turned([x, y]: Point, [dx, dy]: Point, radians: number): Point {
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return [x + dx * cos - dy * sin, y + dx * sin + dy * cos];
}
