/** Searches: the shapes that the HTTP API, the client, the activity and every `--json` share. */
import { z } from 'zod';
import { plainName } from './inputs.ts';
import { searchFilter } from './sample-filter.ts';

/** The most hits of one answer. */
export const MOST_HITS = 1000;

/** The most hits of all pages of a search. */
export const MOST_PAGED = 10_000;

/** The largest picture that can be searched by, in bytes. */
export const MOST_PICTURE_BYTES = 32 * 2 ** 20;

const MOST_ELEMENTS = 65_536;

/** How words are searched for. */
export const SEARCH_MODES = ['hybrid', 'vector', 'words'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** Input of a search. It has exactly one of `text`, `vector` and `sample`. */
export const searchInput = z
  .strictObject({
    dataset: plainName.describe('Name of the dataset.'),
    text: z.string().min(1).max(2000).optional().describe('Words, for documents or a model with a text side.'),
    mode: z
      .enum(SEARCH_MODES)
      .optional()
      .describe(
        'How words are searched for in documents: by vectors, by the words that a text has, or by both (hybrid), which is the default where vectors can be searched.',
      ),
    vector: z
      .array(z.number())
      .min(1)
      .max(MOST_ELEMENTS)
      .optional()
      .describe("A vector of the model's. Its length does not matter."),
    sample: z.int().min(0).optional().describe('The number of a sample: finds what is like it.'),
    model: z
      .string()
      .min(1)
      .max(4200)
      .optional()
      .describe('The key or the name of the model whose vectors are searched; else the one that serves the dataset.'),
    limit: z.int().min(1).max(MOST_HITS).default(20).describe('The most hits of the answer.'),
    cursor: z.string().max(10_000).optional().describe('`next` of the page before, for the same search.'),
    filter: searchFilter.optional(),
  })
  .describe('Finds the samples of a dataset that are nearest to words, a vector or a sample.');

export type SearchInput = z.input<typeof searchInput>;

/** Selects samples of a dataset. Each field narrows the selection. */
export interface SearchFilter
  extends Omit<z.input<typeof searchFilter>, 'prefixes' | 'text' | 'tags_all' | 'tags_any' | 'tags_none'> {
  tags_all?: readonly string[] | undefined;
  tags_any?: readonly string[] | undefined;
  tags_none?: readonly string[] | undefined;
  prefixes?: readonly string[] | undefined;
  text?: { needle: string; below: readonly string[] } | undefined;
}

/** A request for the samples that are nearest to one of `text`, `vector`, `sample` and `picture`. */
export interface SearchRequest extends Omit<SearchInput, 'filter' | 'vector'> {
  vector?: readonly number[] | undefined;
  filter?: SearchFilter | undefined;
  /** A picture of at most 32 MiB: its bytes, or the path of a file on this machine. */
  picture?: Uint8Array | string | undefined;
}

/** A sample that was found. */
export interface SearchHit {
  seq: number;
  filepath: string;
  /**
   * By vectors, the cosine of the query and the sample's vector: 1 for the same direction. By words, BM25. By both, the
   * sum of 1 / (60 + place) over the two.
   */
  score: number;
  /** By both: its places in the two searches, from 1. */
  ranks?: { vector?: number | undefined; words?: number | undefined } | undefined;
  /** All that was found in a document. */
  passage?: Passage | undefined;
}

/** A chunk of a document. */
export interface Passage {
  /** The chunk's position in its document, from 0. */
  part: number;
  text: string;
  title?: string | undefined;
  /** The headings above it, outermost first. */
  headings: string[];
  /** The page on which it begins, from 1. */
  page?: number | undefined;
  /** The row or line that it belongs to, from 1. */
  record?: number | undefined;
  /** Offsets in the document's text, in UTF-16 code units. */
  start: number;
  end: number;
  /** The places of the query's words in `text`: offsets of the first character and of the one behind the last. */
  marks: [number, number][];
}

/** The answer to a search: the nearest samples, best first. */
export interface SearchAnswer {
  dataset: string;
  /** How words were searched for; `vector` for every other query. */
  mode: SearchMode;
  /** The model whose vectors were searched; null if only words were. */
  model_key: string | null;
  /**
   * Whether no better hit can be missing. False if an index of neighbours or MongoDB's vector search was asked, or if too
   * many vectors are too much alike.
   */
  exact: boolean;
  hits: SearchHit[];
  /** Cursor of the next page; null at the end, and after 10,000 hits. */
  next: string | null;
}
