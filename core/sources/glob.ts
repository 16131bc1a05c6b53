import { expand } from 'brace-expansion';

/** A path as its names, and each name as its characters. */
export type PathCharacters = readonly ArrayLike<string>[];

/** A name's UTF-16 units are its characters, unless some characters have two. */
export const charactersOf = (path: string): PathCharacters =>
  path.split('/').map((name) => (SURROGATE.test(name) ? [...name] : name));

const SURROGATE = /[\ud800-\udfff]/;

/** Whether a path is as a glob says. */
export type GlobMatcher = (path: PathCharacters) => boolean;

/** A part of a name in a glob: any text, any character, one of some characters, or this character. */
type Token = 'star' | 'any' | { negated: boolean; ranges: readonly (readonly [string, string])[] } | string;

/** More alternatives in braces are a mistake, or an attack. */
const MOST_ALTERNATIVES = 1000;

/**
 * Compiles a glob: `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, `**` for any folders, and `\` before a character that stands for
 * itself. Letter case counts. Undefined if its braces have more than 1,000 alternatives.
 *
 * A match takes at most as many steps as the lengths of path and glob multiplied. Libraries make regular expressions of
 * globs, which try every way to share out a name among the stars: `*a*a*a*a*b` takes minutes for a name of 200 letters.
 */
export function compileGlob(glob: string): GlobMatcher | undefined {
  const alternatives = glob.includes('{') ? expand(glob, { max: MOST_ALTERNATIVES + 1 }) : [glob];
  if (alternatives.length > MOST_ALTERNATIVES) return undefined;
  const globs = alternatives.map(segmentsOf);
  return (path) => globs.some((segments) => matchStars(segments, path, matchName));
}

/** A name in a glob, or any number of folders. */
type Segment = 'star' | readonly Token[];

function segmentsOf(glob: string): Segment[] {
  const segments = glob
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment): Segment => (segment === '**' ? 'star' : tokensOf(segment)));
  // `raw/**` is what lies in raw, and not raw itself.
  return segments.at(-1) === 'star' ? [...segments, ['star']] : segments;
}

const matchName = (segment: Segment, name: ArrayLike<string>) =>
  segment !== 'star' && matchStars(segment, name, matchCharacter);

function matchCharacter(token: Token, character: string): boolean {
  if (typeof token === 'object') {
    return token.negated !== token.ranges.some(([first, last]) => first <= character && character <= last);
  }
  return token === 'any' || token === character;
}

/**
 * Matches a sequence with a pattern in which `star` stands for any number of items. Only the latest star is ever given
 * more: what the stars before it have taken is enough.
 */
function matchStars<P, T>(
  pattern: readonly (P | 'star')[],
  items: ArrayLike<T>,
  matches: (part: P, item: T) => boolean,
) {
  let p = 0;
  let i = 0;
  let afterStar: { p: number; i: number } | undefined;
  while (i < items.length) {
    const part = pattern[p];
    if (part === 'star') {
      p += 1;
      afterStar = { p, i };
    } else if (p < pattern.length && matches(part as P, items[i] as T)) {
      p += 1;
      i += 1;
    } else if (afterStar !== undefined) {
      afterStar.i += 1;
      ({ p, i } = afterStar);
    } else return false;
  }
  return pattern.slice(p).every((part) => part === 'star');
}

/** The parts of a name in a glob. A bracket without an end stands for itself. */
function tokensOf(segment: string): Token[] {
  const characters = [...segment];
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '*') tokens.push('star');
    else if (character === '?') tokens.push('any');
    else if (character === '\\' && at + 1 < characters.length) tokens.push(characters[++at] as string);
    else {
      const set = character === '[' ? setAt(characters, at) : undefined;
      tokens.push(set?.token ?? character);
      at = set?.end ?? at;
    }
  }
  return tokens;
}

/** The set that begins at a bracket, and where it ends. A closing bracket in first place belongs to the set. */
function setAt(characters: readonly string[], open: number): { token: Token; end: number } | undefined {
  const negated = characters[open + 1] === '!' || characters[open + 1] === '^';
  const ranges: [string, string][] = [];
  const first = open + (negated ? 2 : 1);
  for (let at = first; at < characters.length; at += 1) {
    if (characters[at] === ']' && at > first) return { token: { negated, ranges }, end: at };
    if (characters[at] === '\\') at += 1;
    const from = characters[at] ?? '';
    const to = characters[at + 2];
    const isRange = characters[at + 1] === '-' && to !== undefined && to !== ']';
    ranges.push([from, isRange ? to : from]);
    if (isRange) at += 2;
  }
  return undefined;
}
