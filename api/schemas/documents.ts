import { z } from 'zod';
import { chunkMetadata } from '../../core/media/fields.ts';
import { MOST_SEQ, wholeNumber } from './parameters.ts';

/** The most chunks of one answer. */
const MOST_CHUNKS = 500;

const count = z.int().min(0);
const { start, headings, page, record, format, title } = chunkMetadata.shape;

export const documentQuery = z.strictObject({
  from: wholeNumber(0, MOST_SEQ).optional().meta({
    type: 'integer',
    minimum: 0,
    maximum: MOST_SEQ,
    description: 'The part to begin with. If it is left out, the sample is in the middle of the page.',
  }),
  limit: wholeNumber(1, MOST_CHUNKS).default(50).meta({
    type: 'integer',
    minimum: 1,
    maximum: MOST_CHUNKS,
    default: 50,
    description: 'At most this many chunks.',
  }),
});

const chunk = z
  .object({
    seq: count.describe("The number of the chunk's sample."),
    part: count.describe("The chunk's position in its document, from 0."),
    start,
    end: count.describe('Where it ends, exclusive. The next chunk may begin before: neighbours overlap.'),
    headings,
    page,
    record,
    text: z.string(),
  })
  .meta({ id: 'DocumentChunk' });

export const documentPage = z
  .object({
    path: z.string().describe("The file's path, from the last name of its source's folder on."),
    filepath: z.string().nullable().describe('Its absolute path; null to a caller of read scope.'),
    title: title.unwrap().nullable(),
    format,
    mime_type: z.string(),
    count: count.describe('How many chunks the document has now.'),
    chunks: z.array(chunk).describe('In their order.'),
    before: count.describe('How many chunks come before these.'),
    after: count.describe('How many chunks come after these.'),
  })
  .meta({ id: 'DocumentPage', description: 'Chunks of a document.' });

export type DocumentPage = z.infer<typeof documentPage>;
export type DocumentChunk = DocumentPage['chunks'][number];
