/** A heading in a text: its place among the headings above it, and where its lines end. */
export interface FoundHeading {
  /** The heading's index in the path of headings. */
  depth: number;
  start: number;
  /** Behind its last line. */
  end: number;
}

/**
 * The headings that a chunk begins with. Chunks name the path of headings above them, outermost first; the words of those
 * that begin with the chunk are its first lines.
 *
 * @param from the first heading of the path that may begin here
 */
export function headingsAtStart(text: string, path: readonly string[], from = 0): FoundHeading[] {
  const found: FoundHeading[] = [];
  let at = 0;
  for (let depth = from; depth < path.length; ) {
    const line = lineAt(text, at);
    if (line === undefined) break;
    // Headings further out may have begun before this chunk.
    const index = path.indexOf(plainWords(text.slice(line.start, line.end)), depth);
    if (index < 0) break;
    at = afterUnderline(text, line.next);
    found.push({ depth: index, start: line.start, end: Math.min(at, text.length) });
    depth = index + 1;
  }
  return found;
}

/** Where the text of a chunk begins behind its headings. */
export const bodyStart = (text: string, path: readonly string[]): number =>
  headingsAtStart(text, path).at(-1)?.end ?? 0;

/** The next line that is not blank. */
function lineAt(text: string, at: number): { start: number; end: number; next: number } | undefined {
  for (let start = at; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    if (text.slice(start, end).trim() !== '') return { start, end, next: end + 1 };
    start = end + 1;
  }
  return undefined;
}

/** A line of signs below a heading, as Markdown has it, belongs to the heading. */
function afterUnderline(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  const end = found < 0 ? text.length : found;
  return /^ {0,3}(=+|-+)[ \t\r]*$/.test(text.slice(at, end)) ? end + 1 : at;
}

/** The words of a heading without the marks of Markdown, on one line, as chunks name them. */
export function plainWords(line: string): string {
  return line
    .replace(/^ {0,3}#{1,6}(?=[ \t]|$)/, '')
    .replace(/(?:^|[ \t])#+[ \t\r]*$/, '')
    .replaceAll(/!?\[([^\][]*)\]\([^()]*\)/g, '$1')
    .replaceAll(/`+|\*+|(?<!\w)_+|_+(?!\w)/g, '')
    .replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
