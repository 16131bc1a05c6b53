import type { MaskPart } from './mask.ts';

/** What drawing uses of the browser's Path2D. */
export interface Path {
  addPath(path: Path): void;
  rect(x: number, y: number, width: number, height: number): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  closePath(): void;
}

/** What drawing uses of the browser's CanvasRenderingContext2D. Without its types, tests can record what is drawn. */
export interface Pen {
  globalAlpha: number;
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  lineJoin: string;
  font: string;
  textBaseline: string;
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void;
  clearRect(x: number, y: number, width: number, height: number): void;
  setLineDash(lengths: number[]): void;
  beginPath(): void;
  roundRect(x: number, y: number, width: number, height: number, radius: number): void;
  fill(path?: Path, rule?: 'evenodd'): void;
  stroke(path: Path): void;
  fillText(text: string, x: number, y: number): void;
  measureText(text: string): { width: number };
  drawImage(image: unknown, x: number, y: number, width: number, height: number): void;
}

/** The picture of a mask, and its place as shares of the picture that it is of. */
export interface MaskImage {
  image: unknown;
  box: MaskPart['box'];
}
