import { MOST_HITS, MOST_PAGED, SEARCH_MODES, type SearchMode } from '../contract/search.ts';
import { UserError } from '../core/errors.ts';

/** The end of a page of hits. */
export interface Cursor {
  /** The last hit. */
  score: number;
  seq: number;
  /** How many hits were given so far. */
  given: number;
  /** The model whose vectors are searched, if any. Another one may serve the dataset by the next page. */
  modelKey: string | null;
  mode: SearchMode;
  /** How many hits of each of two searches are joined; 0 if there is one. */
  depth: number;
}

export const writeCursor = ({ score, seq, given, modelKey, mode, depth }: Cursor): string =>
  Buffer.from(JSON.stringify([score, seq, given, modelKey, mode, depth])).toString('base64url');

/** Says what is wrong with a cursor, in words that follow its name. Undefined if it can be used. */
export function faultOfCursor(text: string): string | undefined {
  const cursor = cursorIn(text);
  if (cursor === undefined) return 'must be `next` of the page before, as it was';
  if (cursor.given < MOST_PAGED) return undefined;
  return `is at the end: a search gives out ${MOST_PAGED} hits at most. Narrow it by a filter to see others`;
}

/** @throws UserError InvalidInput */
export function readCursor(text: string): Cursor {
  const fault = faultOfCursor(text);
  if (fault !== undefined) throw new UserError('InvalidInput', `cursor ${fault}`, { fields: ['cursor'] });
  return cursorIn(text) as Cursor;
}

function cursorIn(text: string): Cursor | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 6) return undefined;
  const [score, seq, given, modelKey, mode, depth] = parsed as unknown[];
  if (typeof score !== 'number' || !Number.isFinite(score)) return undefined;
  if (!SEARCH_MODES.some((known) => known === mode)) return undefined;
  if (typeof modelKey !== 'string' && !(modelKey === null && mode === 'words')) return undefined;
  if (!isCount(seq) || !isCount(given) || given === 0 || !isCount(depth) || depth > MOST_HITS) return undefined;
  return { score, seq, given, modelKey, mode: mode as SearchMode, depth };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
