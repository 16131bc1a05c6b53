import { z } from 'zod';
import { oneOfFields } from '../../contract/schema-rules.ts';
import { MOST_HITS, SEARCH_MODES, searchInput } from '../../contract/search.ts';
import { faultOfCursor } from '../../search/cursor.ts';
import { base64url, flag, wholeNumber } from './parameters.ts';
import { sample, sampleFilter, sampleFilterQuery } from './samples.ts';

const { model } = searchInput.shape;

const cursor = base64url(10_000)
  .superRefine((text, fault) => {
    const message = faultOfCursor(text);
    if (message !== undefined) fault.addIssue({ code: 'custom', message });
  })
  .optional()
  .describe('`next` of the page before, for the same search.');

/** A search in a JSON body. */
export const searchBody = searchInput
  .omit({ dataset: true, filter: true })
  .extend({
    cursor,
    filter: sampleFilter.optional(),
    annotations: z.boolean().default(false).describe('Whether the sample of each hit comes with its annotations.'),
  })
  .meta({
    id: 'SearchRequest',
    description: 'Exactly one of `text`, `vector` and `sample`.',
    ...oneOfFields('text', 'vector', 'sample'),
  });

/** Options of a search whose query is not in the URL. */
export const searchQuery = sampleFilterQuery.extend({
  model,
  limit: wholeNumber(1, MOST_HITS)
    .default(20)
    .meta({ type: 'integer', minimum: 1, maximum: MOST_HITS, default: 20, description: 'At most this many.' }),
  cursor,
  annotations: flag('Whether the sample of each hit comes with its annotations.'),
});

const place = z.int().min(1);
const offset = z.int().min(0);

export const passage = z
  .object({
    part: offset.describe("The chunk's position in its document, from 0."),
    text: z.string(),
    title: z.string().optional(),
    headings: z.array(z.string()).describe('The headings above it, outermost first.'),
    page: z.int().min(1).optional().describe('The page on which it begins.'),
    record: z.int().min(1).optional().describe('The row or line that it belongs to.'),
    start: offset.describe("Where it begins in the document's text, in UTF-16 code units."),
    end: offset,
    marks: z
      .array(z.tuple([offset, offset]))
      .describe(
        "The places of the query's words in `text`: offsets of the first character and of the one behind the last.",
      ),
  })
  .meta({ id: 'Passage' });

export const hit = z
  .object({
    seq: z.int().min(0),
    filepath: z.string().nullable().describe('Its absolute path; null to a caller of read scope.'),
    score: z
      .number()
      .describe(
        "By vectors, the cosine of the query and the sample's vector: 1 for the same direction. By words, BM25. By both, the sum of 1 / (60 + place) over the two.",
      ),
    ranks: z
      .object({ vector: place.optional(), words: place.optional() })
      .optional()
      .describe('By both: its places in the two searches, from 1.'),
    passage: passage.optional().describe('What was found in a document.'),
    sample,
  })
  .meta({ id: 'SearchHit' });

export const hits = z
  .object({
    dataset: z.string(),
    mode: z.enum(SEARCH_MODES).describe('How words were searched for; `vector` for every other query.'),
    model_key: z.string().nullable().describe('The model whose vectors were searched; null if only words were.'),
    exact: z
      .boolean()
      .describe(
        "False if a better hit may be missing: an index of neighbours or MongoDB's vector search was asked, or too many vectors are too much alike.",
      ),
    hits: z.array(hit).describe('Best first; of equal ones, the lower number first.'),
    next: z
      .string()
      .nullable()
      .describe(
        'Give it as `cursor`, with the same query, for the next page; null when there are no more, and after 10,000 hits.',
      ),
  })
  .meta({ id: 'Hits' });

export type SearchBody = z.input<typeof searchBody>;
/** A valid body, with its defaults. */
export type SearchOrder = z.output<typeof searchBody>;
export type Hit = z.infer<typeof hit>;
export type Hits = z.infer<typeof hits>;
