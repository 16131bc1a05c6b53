import type { Passage } from '../../contract/search.ts';
import type { Paint } from './paint.ts';
import { printable } from './printable.ts';

/** Lines of a passage that a terminal shows. */
const LINES = 3;
/** Characters before the first word of the query. */
const BEFORE = 60;

/** The place of a passage: `Guide › Install`, `page 3`, `row 17`. */
export function placeOf({ headings, page, record, title }: Passage): string {
  const above = headings.length > 0 ? headings : title === undefined ? [] : [title];
  return [
    ...(above.length > 0 ? [printable(above.join(' › '))] : []),
    ...(page === undefined ? [] : [`page ${page}`]),
    ...(record === undefined ? [] : [`record ${record}`]),
  ].join(' · ');
}

/**
 * A passage as lines of at most `width` columns, with the words of the query painted. A terminal shows the part around
 * the first of them; programs read all of it, as one line.
 */
export function passageLines({ text, marks }: Passage, { paint, width }: { paint: Paint; width: number }): string[] {
  const whole = width === Number.POSITIVE_INFINITY;
  const first = marks[0]?.[0] ?? 0;
  const start = whole || first <= BEFORE ? 0 : wordBoundary(text, first - BEFORE);
  const lines: { shown: string; length: number }[] = [];
  const words = text.slice(start).matchAll(/\S+/g);
  for (const { 0: word, index } of words) {
    const length = [...word].length;
    const line = lines.at(-1);
    const shown = painted(text, start + index, word.length, marks, paint);
    if (line !== undefined && line.length + 1 + length <= width) {
      line.shown += ` ${shown}`;
      line.length += 1 + length;
    } else if (lines.length === LINES && !whole) {
      lines[LINES - 1] = { shown: `${line?.shown} …`, length: 0 };
      break;
    } else lines.push({ shown, length });
  }
  const shown = lines.map((line) => line.shown);
  return start === 0 ? shown : [`… ${shown[0]}`, ...shown.slice(1)];
}

/** The beginning of the word at a place. */
function wordBoundary(text: string, at: number): number {
  const space = text.slice(0, at).search(/\s\S*$/);
  return space === -1 ? at : space + 1;
}

/** A word with the parts of it that are marked painted. */
function painted(text: string, at: number, length: number, marks: Passage['marks'], paint: Paint): string {
  let shown = '';
  let from = at;
  for (const [start, end] of marks) {
    if (end <= from || start >= at + length) continue;
    const until = Math.min(end, at + length);
    shown += printable(text.slice(from, Math.max(from, start)));
    shown += paint.bold(printable(text.slice(Math.max(from, start), until)));
    from = until;
  }
  return shown + printable(text.slice(from, at + length));
}
