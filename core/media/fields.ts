/** The metadata of all media, for schemas and filters. Adding a medium is an entry in each of these. */
import { IMAGE_CHOICES, IMAGE_RANGES, imageMetadata } from './images/fields.ts';

/** A sample's metadata. With a second medium, this is a union. */
export const sampleMetadata = imageMetadata;

/** Fields of the metadata that samples can be filtered by: those that have one of some values. */
export const CHOICE_FIELDS = { ...IMAGE_CHOICES } as const;

/** Fields of the metadata that samples can be filtered by: whole numbers. */
export const RANGE_FIELDS = { ...IMAGE_RANGES } as const;

export type ChoiceField = keyof typeof CHOICE_FIELDS;
export type RangeField = keyof typeof RANGE_FIELDS;
