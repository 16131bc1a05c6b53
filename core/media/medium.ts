import type { RecordedError } from '../../contract/job.ts';
import type { ImageMetadataFields, MediaType } from '../store/documents.ts';

export interface MediaFile {
  /** Raw bytes where the name is not valid UTF-8. */
  path: string | Buffer;
  sizeBytes: number;
}

export type MetadataOutcome = { metadata: ImageMetadataFields } | { error: RecordedError };

/** What the engine must know of one kind of media to index it. The engine itself knows of none. */
export interface MediaKind {
  mediaType: MediaType;
  /** Whether a file of this name is a sample. */
  accepts(name: string): boolean;
  /**
   * One outcome a file, in order. A bad file is an outcome, never an exception. `onRead` is called as the reading gets on,
   * after some dozens of files at the latest.
   */
  readMetadata(files: readonly MediaFile[], onRead: () => void): Promise<MetadataOutcome[]>;
}
