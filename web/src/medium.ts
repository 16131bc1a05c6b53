import type { Sample } from './api/shapes.ts';

type Metadata = NonNullable<Sample['metadata']>;
export type ImageMetadata = Extract<Metadata, { width: number }>;
export type ChunkMetadata = Extract<Metadata, { text: string }>;

/** The metadata of a picture; undefined if the sample is none, or was not read. */
export const imageOf = ({ metadata }: Pick<Sample, 'metadata'>): ImageMetadata | undefined =>
  metadata !== null && 'width' in metadata ? metadata : undefined;

/** The metadata of a chunk of a document; undefined if the sample is none, or was not read. */
export const chunkOf = ({ metadata }: Pick<Sample, 'metadata'>): ChunkMetadata | undefined =>
  metadata !== null && 'text' in metadata ? metadata : undefined;

export const isDocuments = (mediaType: string | undefined) => mediaType === 'text';

/** The names of a dataset's samples and files. */
export interface MediumWords {
  sample: string;
  file: string;
}

export const mediumWords = (mediaType: string | undefined): MediumWords =>
  isDocuments(mediaType) ? { sample: 'chunk', file: 'document' } : { sample: 'sample', file: 'file' };

/** Formats of a medium, which its samples are filtered by. */
export const formatsOf = (mediaType: string | undefined): readonly string[] =>
  isDocuments(mediaType)
    ? ['text', 'markdown', 'html', 'pdf', 'docx', 'epub', 'csv', 'jsonl', 'code']
    : ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'heic', 'svg', 'bmp'];

const FORMAT_WORDS: Readonly<Record<string, string>> = { text: 'Plain text', markdown: 'Markdown', code: 'Code' };
export const formatWords = (format: string) => FORMAT_WORDS[format] ?? format.toUpperCase();

/** Formats whose lines and columns matter. */
export const isMonospaced = (format: string) => ['code', 'csv', 'jsonl'].includes(format);
