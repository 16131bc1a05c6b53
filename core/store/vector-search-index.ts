import { Binary, type Document, MongoServerError, ReadConcern } from 'mongodb';
import { UserError } from '../errors.ts';
import { collectionsOf } from './collections.ts';
import type { EmbeddingDocument } from './documents.ts';
import type { VectorSet } from './embeddings.ts';
import type { Store } from './store.ts';

/**
 * MongoDB's own vector search: Atlas, or a server of version 8.2 or later with mongot, the process that keeps the index.
 * The shapes are those of MongoDB's pages "How to Index Fields for Vector Search", "Run Vector Search Queries" and
 * "$listSearchIndexes (aggregation stage)".
 */

/** The most candidates that the server looks at in one query, and so the most that it returns. */
export const MOST_NEAREST = 10_000;

/** Candidates that the server looks at for each that it returns. Its page recommends 20 or more. */
const CANDIDATES_EACH = 20;

/** The server refuses these commands with any other read concern, such as the one that the store has by default. */
const LOCAL = new ReadConcern('local');

/**
 * Errors of servers without vector search: no such command (up to version 6), not supported (7), only on Atlas (7), no
 * such stage (up to 6), and search is not enabled (6.0.7 and later).
 */
const WITHOUT_VECTOR_SEARCH = new Set<unknown>([59, 115, 6047401, 40324, 31082]);

/** An index of this name exists, with another definition or, on Atlas, with the same. */
const INDEX_EXISTS = 68;

/** One index for each number of elements: its definition fixes it, and leaves out vectors that have another. */
export const vectorSearchIndexName = (dim: number) => `plimsoll-vectors-${dim}`;

const isOurs = (name: string) => name.startsWith('plimsoll-vectors-');

/** The state of an index. */
export interface VectorSearchIndex {
  name: string;
  /** PENDING, BUILDING, READY, STALE, FAILED or DELETING. */
  status: string;
  /** Whether the server answers queries from it. A stale one, or one that gets a new definition, can be queried. */
  queryable: boolean;
  /** The state on each of the servers that keep it, and what they say about it, without their names. */
  detail: string;
}

/**
 * The state of our indexes.
 *
 * @throws UserError SearchUnavailable
 */
export async function vectorSearchIndexes(store: Store, name?: string): Promise<VectorSearchIndex[]> {
  const stage = name === undefined ? {} : { name };
  const found = await ask(() =>
    collectionsOf(store)
      .embeddings.aggregate<ListedIndex>([{ $listSearchIndexes: stage }], { readConcern: LOCAL })
      .toArray(),
  );
  return found
    .filter((index) => isOurs(index.name))
    .map(({ name, status = 'PENDING', queryable = false, statusDetail = [] }) => ({
      name,
      status,
      queryable,
      detail: statusDetail.map(detailOf).join('; '),
    }));
}

/** The fields that we read of an entry of $listSearchIndexes. */
interface ListedIndex {
  name: string;
  status?: string;
  queryable?: boolean;
  statusDetail?: { status?: string; mainIndex?: { message?: string } }[];
}

function detailOf({ status, mainIndex }: NonNullable<ListedIndex['statusDetail']>[number]): string {
  return withoutHosts([status ?? 'unknown', mainIndex?.message].filter(Boolean).join(', '));
}

/** Callers need not know where the database is. */
const withoutHosts = (said: string) => said.replace(/\b[\w.-]+:\d{4,5}\b(?: \([\d.:]+\))?/g, 'a server');

/**
 * Asks the server to create the index for vectors of `dim` elements, and does not wait for it. An index that exists
 * already is no error, so that several processes may ask at once.
 *
 * @throws UserError SearchUnavailable
 */
export async function createVectorSearchIndex(store: Store, dim: number): Promise<void> {
  const { embeddings } = collectionsOf(store);
  const definition = {
    fields: [
      { type: 'vector', path: 'vector', numDimensions: dim, similarity: 'cosine' },
      { type: 'filter', path: 'dataset_id' },
      { type: 'filter', path: 'model_key' },
      { type: 'filter', path: 'seq' },
    ],
  };
  await ask(async () => {
    try {
      await embeddings.createSearchIndex({ name: vectorSearchIndexName(dim), type: 'vectorSearch', definition });
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== INDEX_EXISTS) throw error;
    }
  });
}

/** A vector that the index has found. */
export interface NearVector {
  seq: number;
  /** The cosine of the query and the vector. */
  score: number;
}

/**
 * Finds the vectors of a set that are nearest to a vector of length 1, best first, at most `count`: by the index's graph,
 * or, if `among` is given, by comparing the vectors of these seqs with the query. The index follows what is written with
 * a delay. A server without the index finds nothing.
 *
 * @throws UserError SearchUnavailable
 */
export async function nearestVectors(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  { query, count, among }: { query: Float32Array; count: number; among?: readonly number[] | undefined },
): Promise<NearVector[]> {
  // The server refuses an empty list of values.
  if (among?.length === 0) return [];
  const filter: Document = { dataset_id: datasetId, model_key: modelKey };
  if (among !== undefined) filter.seq = { $in: [...among] };
  const nearest = {
    index: vectorSearchIndexName(query.length),
    path: 'vector' satisfies keyof EmbeddingDocument,
    // The query has the type of the stored vectors.
    queryVector: Binary.fromFloat32Array(query),
    ...(among === undefined ? { numCandidates: Math.min(MOST_NEAREST, CANDIDATES_EACH * count) } : { exact: true }),
    limit: count,
    filter,
  };
  const found = await ask(() =>
    collectionsOf(store)
      .embeddings.aggregate<NearVector>(
        [{ $vectorSearch: nearest }, { $project: { _id: 0, seq: 1, score: { $meta: 'vectorSearchScore' } } }],
        { readConcern: LOCAL, batchSize: count },
      )
      .toArray(),
  );
  // The server's score of a cosine is (1 + cosine) / 2.
  return found.map(({ seq, score }) => ({ seq, score: 2 * score - 1 }));
}

/** Names the server's refusals. An outage stays the driver's error. */
async function ask<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error;
    const said = withoutHosts(error.message.replace(/\.$/, ''));
    if (!WITHOUT_VECTOR_SEARCH.has(error.code))
      throw new UserError('SearchUnavailable', `MongoDB's vector search failed: ${said}.`, { cause: error });
    throw new UserError(
      'SearchUnavailable',
      `This MongoDB has no vector search (${said}). PLIMSOLL_SEARCH=mongodb needs Atlas, or MongoDB 8.2 or later with ` +
        'mongot. PLIMSOLL_SEARCH=local, the default, searches on the machine of the API.',
      { cause: error },
    );
  }
}
