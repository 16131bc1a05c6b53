import type { Hit, Hits } from '../api/shapes.ts';
import type { Range } from '../documents/marked.ts';

/** How a search has found a sample. */
export interface Found extends Pick<Hit, 'score' | 'ranks'> {
  /** How was searched. */
  mode: Hits['mode'];
  /** The key of the model whose vectors were searched. */
  model: string | undefined;
  /** The place where its text has words of the query. */
  marks: readonly Range[];
}
