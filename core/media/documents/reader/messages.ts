import type { RecordedError } from '../../../../contract/job.ts';
import type { Item } from '../../medium.ts';
import type { Chunking } from '../chunk/chunking.ts';
import type { DocumentLimits } from '../document-limits.ts';

/** A document: its path, or its bytes if this machine's processes can't open it. */
export type DocumentInput = { path: string | Uint8Array } | { bytes: Uint8Array };

/**
 * Asks for the items of a document. Orders are structured clones: a path that is not valid UTF-8 is sent as bytes. The
 * name decides the format.
 */
export interface ReadOrder {
  file: DocumentInput;
  name: string;
  chunking: Chunking;
  limits: DocumentLimits;
}

/** The items of a document, or why it has none. */
export type ReadResult = { items: Item[] } | { error: RecordedError };
