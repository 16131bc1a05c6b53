/** The metadata of a chunk for the API and the command line, and the fields that filters accept. */
import * as z from 'zod';
import { DOCUMENT_FORMATS } from './document.ts';

const offset = z.int().min(0);

/** The metadata of a chunk, as the API shows it. */
export const chunkMetadata = z.object({
  mime_type: z.string(),
  format: z.enum(DOCUMENT_FORMATS),
  title: z.string().optional().describe("The document's title, if it has one."),
  text: z.string(),
  headings: z.array(z.string()).describe('The headings above it, outermost first.'),
  page: z.int().min(1).optional().describe('The page on which it begins.'),
  record: z.int().min(1).optional().describe('The row or line that it belongs to.'),
  start: offset.describe("Where it begins in the document's text, in UTF-16 code units."),
  end: offset,
  tokens: offset,
});

/** Fields that filters match by range. `most` is the largest accepted bound. */
export const CHUNK_RANGES = {
  page: { most: 1_000_000, description: 'The page on which a chunk begins.' },
  tokens: { most: 1_000_000, description: 'Tokens of a chunk.' },
} as const;
