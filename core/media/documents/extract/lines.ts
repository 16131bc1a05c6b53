/** A line of a text: its words are `text.slice(start, end)`, without the line end. */
export interface Line {
  start: number;
  end: number;
}

const LINE_END = /\r\n|\n|\r/g;

/** The lines of a text, whatever their ends. A text that ends with a line end has no empty line behind it. */
export function* linesOf(text: string): Generator<Line> {
  let start = 0;
  for (const { 0: lineEnd, index } of text.matchAll(LINE_END)) {
    yield { start, end: index };
    start = index + lineEnd.length;
  }
  if (start < text.length) yield { start, end: text.length };
}
