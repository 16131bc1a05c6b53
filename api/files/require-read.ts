import type { Medium } from '../../core/media/medium.ts';
import type { OpenFile } from '../../core/sources/source.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { versionOf } from '../present/sample.ts';
import { problemOf } from '../problem/to-problem.ts';
import { ThumbnailError } from '../thumbnails/failures.ts';
import type { Thumbnails } from '../thumbnails/thumbnails.ts';

/** The first bytes of a file, which tell its format. Headers are read this far. */
const HEAD_BYTES = 64 * 1024;
/** The smallest thumbnail: it proves as much as a large one. */
const PROOF_SIZE = 128;

/** @throws ProblemError FileNotRead when indexing could not read the file as a sample */
export function requireMetadata({ metadata }: SampleDocument): void {
  if (metadata === undefined)
    throw problemOf(
      'FileNotRead',
      "The file could not be read as a sample, so it isn't served. The sample's error says why.",
    );
}

/**
 * Refuses an open file that was not read as this sample. A link can take a file's name at any time, and may lead to any
 * file that the server's account can read.
 *
 * A changed file is served if it can be drawn as it is now. The drawing opens the file anew, and counts only if it had
 * the fingerprint of the open file.
 *
 * @throws ProblemError FileChanged, Overloaded, FileGone, FileOutsideRoots
 */
export async function requireRead(
  file: OpenFile,
  { sample, medium, thumbnails, open }: Reading,
  signal: AbortSignal,
): Promise<void> {
  const { fingerprint } = file;
  if (fingerprint === sample.source.fingerprint && (await holdsSample(file, sample, medium))) return;
  if (medium?.thumbnails === undefined)
    throw problemOf('FileChanged', 'The file has changed since it was read. Load its folder again to read it.');
  const version = versionOf({ ...sample, source: { ...sample.source, fingerprint } });
  const isDrawn = await thumbnails.get({ medium, open, fingerprint, version, size: PROOF_SIZE }, signal).then(
    ({ current }) => current,
    (error: unknown) => {
      if (error instanceof ThumbnailError) return false;
      throw error;
    },
  );
  if (!isDrawn)
    throw problemOf(
      'FileChanged',
      "The file has changed since it was read, and can't be drawn as a picture. Load its folder again to read it.",
    );
}

export interface Reading {
  sample: SampleDocument;
  /** Undefined if this server does not support it. */
  medium: Medium | undefined;
  thumbnails: Thumbnails;
  /** Opens the sample's file once more. */
  open(): Promise<OpenFile>;
}

/**
 * Whether the file may be the one whose metadata the sample has. The listing takes the fingerprint and indexing reads
 * the metadata a moment later, so the two may be of different files.
 */
async function holdsSample(file: OpenFile, { metadata }: SampleDocument, medium: Medium | undefined): Promise<boolean> {
  if (medium?.mayHold === undefined || metadata === undefined) return true;
  const head = Buffer.alloc(HEAD_BYTES);
  const length = await file.read(head, 0);
  return medium.mayHold(head.subarray(0, length), metadata);
}
