/** The metadata of all media, for schemas and filters. A new medium adds an entry to each of these constants. */
import * as z from 'zod';
import { DOCUMENT_FORMATS } from './documents/document.ts';
import { CHUNK_RANGES, chunkMetadata } from './documents/fields.ts';
import { IMAGE_RANGES, imageMetadata } from './images/fields.ts';
import { IMAGE_FORMATS } from './images/formats.ts';

export { chunkMetadata };

/** A sample's metadata: that of an image or of a chunk of a document. */
export const sampleMetadata = z.union([imageMetadata, chunkMetadata]);

/** Metadata fields that can be filtered by a set of values. */
export const CHOICE_FIELDS = {
  format: { values: [...IMAGE_FORMATS, ...DOCUMENT_FORMATS], description: 'Only samples of this format.' },
} as const;

/** Metadata fields that can be filtered by a range of whole numbers. */
export const RANGE_FIELDS = { ...IMAGE_RANGES, ...CHUNK_RANGES } as const;

export type ChoiceField = keyof typeof CHOICE_FIELDS;
export type RangeField = keyof typeof RANGE_FIELDS;
