import { request } from './api/request.ts';
import type { Hits } from './api/shapes.ts';
import { type Filters, filterBody, queryOf } from './filters.ts';
import type { Sort } from './sorts.ts';
import { datasetPath, samplePath } from './state/route.ts';

/** How the words of documents are searched for. Undefined: by vectors and words, as far as there are vectors. */
export type WordsMode = 'vector' | 'words' | undefined;

/** A search. Its words or its sample are in the address bar, and its picture is in the memory of this page. */
export type Search = { words: string; mode?: WordsMode } | { like: number } | { picture: File; id: string };

/** Pictures that were dropped, pasted or chosen last, by their name in the address bar. */
const pictures = new Map<string, File>();
const MOST_PICTURES = 10;
/** Addresses from before a reload must not name the pictures of this page. */
const PAGE_ID = Date.now().toString(36);
let given = 0;

/** Keeps a picture until others have taken its place, or the page is reloaded. */
export function searchOf(picture: File): Search {
  given += 1;
  const id = `${PAGE_ID}-${given}`;
  pictures.set(id, picture);
  for (const old of pictures.keys()) if (pictures.size > MOST_PICTURES) pictures.delete(old);
  return { picture, id };
}

/** Parses the search of a URL; null if there is none, or if its picture is not kept any more. */
export function searchFrom(query: URLSearchParams): Search | null {
  const words = query.get('words')?.trim() ?? '';
  if (words !== '') return { words, mode: modeOf(query.get('mode')) };
  const like = query.get('like') ?? '';
  if (/^\d{1,15}$/.test(like)) return { like: Number(like) };
  const id = query.get('picture') ?? '';
  const picture = pictures.get(id);
  return picture === undefined ? null : { picture, id };
}

const modeOf = (mode: string | null): WordsMode => (mode === 'vector' || mode === 'words' ? mode : undefined);

/**
 * Formats filters, and a search or an order, for a URL, in a fixed order, so that equal ones are equal strings. What a search
 * finds has an order of its own.
 */
export function addressQuery(filters: Filters, search: Search | null, sort: Sort = ''): URLSearchParams {
  const query = queryOf(filters);
  if (search === null) {
    if (sort !== '') query.set('sort', sort);
    return query;
  }
  if ('words' in search) {
    query.set('words', search.words);
    if (search.mode !== undefined) query.set('mode', search.mode);
  } else if ('like' in search) query.set('like', String(search.like));
  else query.set('picture', search.id);
  return query;
}

/** The fewest and the most hits of one request. */
const FEWEST = 100;
const MOST = 1000;

/** Asks for a page of hits. */
export function readHits(
  dataset: string,
  search: Search,
  {
    filters,
    cursor,
    limit = FEWEST,
    annotated = false,
    signal,
  }: { filters: Filters; cursor: string | null; limit?: number; annotated?: boolean; signal: AbortSignal },
): Promise<Hits> {
  const url = `/api${datasetPath(dataset)}/search`;
  if ('words' in search) {
    const { words: text, mode } = search;
    const asked = { text, mode, limit, filter: filterBody(filters), annotations: annotated };
    const body = { ...asked, ...(cursor === null ? {} : { cursor }) };
    return request(url, { method: 'POST', body, signal });
  }
  const query = queryOf(filters);
  query.set('limit', String(limit));
  if (cursor !== null) query.set('cursor', cursor);
  if (annotated) query.set('annotations', 'true');
  if ('like' in search) return request(`/api${samplePath(dataset, search.like)}/similar`, { query, signal });
  return request(url, { method: 'POST', body: search.picture, query, signal });
}

/** How many hits to ask for when so many are wanted. */
export const hitsToAsk = (wanted: number): number => Math.min(MOST, Math.max(FEWEST, wanted));
