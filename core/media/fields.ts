/** The metadata of all media, for schemas and filters. A new medium adds an entry to each of these constants. */
import { IMAGE_CHOICES, IMAGE_RANGES, imageMetadata } from './images/fields.ts';

/** A sample's metadata. A second medium makes this a union. */
export const sampleMetadata = imageMetadata;

/** Metadata fields that can be filtered by a set of values. */
export const CHOICE_FIELDS = { ...IMAGE_CHOICES } as const;

/** Metadata fields that can be filtered by a range of whole numbers. */
export const RANGE_FIELDS = { ...IMAGE_RANGES } as const;

export type ChoiceField = keyof typeof CHOICE_FIELDS;
export type RangeField = keyof typeof RANGE_FIELDS;
