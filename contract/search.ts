/** Searches: the shapes that the HTTP API, the client, the activity and every `--json` share. */

/** The most hits of one answer. */
export const MOST_HITS = 1000;

/** A sample that was found. */
export interface SearchHit {
  seq: number;
  filepath: string;
  /** Cosine of the query and the sample's vector: 1 for the same direction. */
  score: number;
}

/** The answer to a search: the nearest samples, best first. */
export interface SearchAnswer {
  dataset: string;
  /** The model whose vectors were searched. */
  model_key: string;
  /** Whether no better hit can be missing. False if an index of neighbours was searched. */
  exact: boolean;
  hits: SearchHit[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
}
