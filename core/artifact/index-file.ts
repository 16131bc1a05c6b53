/** The index of an artifact: a JSON file beside the video, from which its chunks can be searched without a server. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { ArtifactManifest } from './manifest.ts';
import { writeDurably } from './write-durably.ts';

const FORMAT = 1;

const headSchema = z.object({
  format: z.literal(FORMAT),
  /** The artifact that it belongs to, as its manifest says. */
  artifact: z.object({ dataset: z.string(), created_at: z.string(), chunks: z.int().min(0), sha256: z.string() }),
  /** The model that made the vectors. */
  model: z.object({ key: z.string(), name: z.string(), revision: z.string(), dim: z.int().min(1) }),
});

/** What an index is of. */
export type IndexHead = z.output<typeof headSchema>;

/** What an index holds of a chunk. */
export interface IndexedChunk {
  /** Its vector as int8, any multiple of it. Undefined if it has none. */
  vector: Int8Array | undefined;
  /** Its words, as `packWords` gives them. */
  words: Uint8Array;
}

const bytes = z.base64().transform((encoded) => new Uint8Array(Buffer.from(encoded, 'base64')));
const chunkSchema = z.object({ vector: bytes.nullable(), words: bytes }).transform(({ vector, words }) => ({
  vector: vector === null ? undefined : new Int8Array(vector.buffer, vector.byteOffset, vector.length),
  words,
}));

/** An index in memory. Chunks are in the order of their numbers. */
export interface ArtifactIndex extends IndexHead {
  chunks: IndexedChunk[];
}

/** The head of an index for an artifact. */
export const headOf = (
  { dataset, created_at, chunks, sha256 }: ArtifactManifest,
  model: IndexHead['model'],
): IndexHead => ({ format: FORMAT, artifact: { dataset, created_at, chunks, sha256 }, model });

/**
 * Writes an index. The file appears whole, or what was there stays.
 *
 * @throws UserError ArtifactNotWritable when there are not as many chunks as the artifact has
 */
export async function writeIndexFile(
  path: string,
  head: IndexHead,
  chunks: AsyncIterable<IndexedChunk>,
): Promise<void> {
  await writeDurably(path, async (file) => {
    await file.appendFile(`${JSON.stringify(head).slice(0, -1)},"chunks":[`);
    let written = 0;
    for await (const { vector, words } of chunks) {
      const line = { vector: vector === undefined ? null : encoded(vector), words: encoded(words) };
      await file.appendFile(`${written === 0 ? '' : ','}\n${JSON.stringify(line)}`);
      written += 1;
    }
    if (written !== head.artifact.chunks)
      throw new UserError(
        'ArtifactNotWritable',
        `The index ${path} can't be written: the dataset has changed since its artifact was. Load it again.`,
      );
    await file.appendFile('\n]}\n');
  });
}

/** How every index begins. */
const BEGINNING = `{"format":${FORMAT},"artifact":{`;

/** Whether a file is an index, as its beginning tells. */
export async function isIndexFile(path: string): Promise<boolean> {
  const beginning = await text(createReadStream(path, { end: BEGINNING.length - 1 })).catch(() => '');
  return beginning === BEGINNING;
}

const encoded = ({ buffer, byteOffset, byteLength }: Int8Array | Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/**
 * Reads an index.
 *
 * @throws UserError ArtifactUnreadable when the file is no index
 */
export async function readIndexFile(path: string): Promise<ArtifactIndex> {
  try {
    let head: IndexHead | undefined;
    const chunks: IndexedChunk[] = [];
    // A line at a time: the whole of a large index is more than a string can hold.
    for await (const line of createInterface({ input: createReadStream(path) })) {
      if (head === undefined) head = headSchema.parse(JSON.parse(`${line}]}`));
      else if (line !== ']}') chunks.push(chunkSchema.parse(JSON.parse(line.replace(/,$/, ''))));
    }
    if (head === undefined) throw new Error('it is empty');
    const { dim } = head.model;
    if (
      chunks.length !== head.artifact.chunks ||
      chunks.some(({ vector }) => vector !== undefined && vector.length !== dim)
    )
      throw new Error('its parts do not fit together');
    return { ...head, chunks };
  } catch (error) {
    throw new UserError('ArtifactUnreadable', `${path} is no index of an artifact: ${reasonOf(error as Error)}.`, {
      cause: error,
    });
  }
}

const reasonOf = (error: Error) =>
  error instanceof z.ZodError
    ? `${error.issues[0]?.path.join('.') || 'the content'} is not as expected`
    : error.message.replace(/\.$/, '');
