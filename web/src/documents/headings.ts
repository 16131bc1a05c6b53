/** A heading in a text: its place among the headings above it, and where its lines begin and end. */
export interface FoundHeading {
  /** The heading's index in the path of headings. */
  depth: number;
  title: string;
  start: number;
  /** The offset behind its last line. */
  end: number;
}

/** Headings without a text of their own stand before the one that the chunk names. More lines are no headings. */
const MOST_BEFORE = 4;

/**
 * The headings that a chunk begins with. Chunks name the path of headings above them, outermost first; the words of those
 * that begin with the chunk are its first lines.
 *
 * @param from the first heading of the path that may begin here
 */
export function headingsAtStart(text: string, path: readonly string[], from = 0): FoundHeading[] {
  const found: FoundHeading[] = [];
  const unknown: FoundHeading[] = [];
  let [at, depth] = [0, from];
  while (depth < path.length && unknown.length <= MOST_BEFORE) {
    const line = lineAt(text, at);
    if (line === undefined) break;
    const title = plainWords(text.slice(line.start, line.end));
    // Headings further out may have begun before this chunk.
    const index = path.indexOf(title, depth);
    at = afterUnderline(text, line.next);
    const heading = { title, start: line.start, end: Math.min(at, text.length) };
    if (index < 0) {
      unknown.push({ ...heading, depth });
      continue;
    }
    found.push(...unknown.splice(0).map((each) => ({ ...each, depth: index })), { ...heading, depth: index });
    depth = index + 1;
  }
  return found;
}

/** The place where the text of a chunk begins behind its headings. */
export function bodyStart(text: string, path: readonly string[]): number {
  const end = headingsAtStart(text, path).at(-1)?.end ?? 0;
  return end === 0 ? 0 : text.length - text.slice(end).trimStart().length;
}

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
