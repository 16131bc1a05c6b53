import { request } from './api/request.ts';
import type { Hits } from './api/shapes.ts';
import { type Filters, filterBody, queryOf } from './filters.ts';
import { samplePath } from './state/route.ts';

/** What is searched for. Words and samples are in the address bar, and pictures in the memory of this page. */
export type Search = { words: string } | { like: number } | { picture: File; id: string };

/** Pictures that were dropped, pasted or chosen, by their number in the address bar. */
const pictures = new Map<string, File>();

/** Keeps a picture for this page's life. */
export function searchOf(picture: File): Search {
  const id = String(pictures.size + 1);
  pictures.set(id, picture);
  return { picture, id };
}

/** Parses the search of a URL; null if there is none, or if its picture was given to the page before it was reloaded. */
export function searchFrom(query: URLSearchParams): Search | null {
  const words = query.get('words')?.trim() ?? '';
  if (words !== '') return { words };
  const like = query.get('like') ?? '';
  if (/^\d{1,15}$/.test(like)) return { like: Number(like) };
  const id = query.get('picture') ?? '';
  const picture = pictures.get(id);
  return picture === undefined ? null : { picture, id };
}

/** Formats filters and a search for a URL, in a fixed order, so that equal ones are equal strings. */
export function addressQuery(filters: Filters, search: Search | null): URLSearchParams {
  const query = queryOf(filters);
  if (search === null) return query;
  if ('words' in search) query.set('words', search.words);
  else if ('like' in search) query.set('like', String(search.like));
  else query.set('picture', search.id);
  return query;
}

/** The most hits of one request. */
const PAGE = 100;

/** Asks for a page of hits. */
export function readHits(
  dataset: string,
  search: Search,
  {
    filters,
    cursor,
    limit = PAGE,
    signal,
  }: { filters: Filters; cursor: string | null; limit?: number; signal: AbortSignal },
): Promise<Hits> {
  const url = `/api/datasets/${encodeURIComponent(dataset)}/search`;
  if ('words' in search) {
    const body = { text: search.words, limit, filter: filterBody(filters), ...(cursor === null ? {} : { cursor }) };
    return request(url, { method: 'POST', body, signal });
  }
  const query = queryOf(filters);
  query.set('limit', String(limit));
  if (cursor !== null) query.set('cursor', cursor);
  if ('like' in search) return request(`/api${samplePath(dataset, search.like)}/similar`, { query, signal });
  return request(url, { method: 'POST', body: search.picture, query, signal });
}

/** A cosine with two digits, rounded down: `1.00` is equal. */
export const scoreWords = (score: number): string => (Math.floor(score * 100 + 1e-4) / 100).toFixed(2);
