/** A range of a text: offsets from and to, exclusive. */
export type Range = readonly [from: number, to: number];

/** A piece of a text that is marked, or not. */
export interface Piece {
  text: string;
  marked: boolean;
}

/** Cuts a text at the ranges that are to be marked. The ranges are in order and don't overlap; they may exceed the text. */
export function piecesOf(text: string, marks: readonly Range[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const add = (to: number, marked: boolean) => {
    if (to > at) pieces.push({ text: text.slice(at, to), marked });
    at = Math.max(at, to);
  };
  for (const [from, to] of marks) {
    add(Math.min(Math.max(0, from), text.length), false);
    add(Math.min(to, text.length), true);
  }
  add(text.length, false);
  return pieces;
}
