import { createHash } from 'node:crypto';
import { UserError } from '../errors.ts';
import { type ArtifactChunk, chunkOf } from './artifact-chunk.ts';
import { type Frame, FrameError, joinPieces } from './frame.ts';
import { type FrameTable, range, readFrameTable } from './frame-table.ts';
import type { ArtifactManifest } from './manifest.ts';
import { readAhead, readFrames } from './read-frame.ts';
import { openVideo, type Video } from './video.ts';

/** A frame that can't be read, or does not hold what belongs there. */
export interface DamagedFrame {
  /** From 0; null if no frame holds a piece of the chunk. */
  frame: number | null;
  /** The chunk that it belongs to; null for frames of the manifest, and if nothing tells. */
  chunk: number | null;
  /** The fault, in half a sentence. */
  reason: string;
}

/** A chunk, or what is wrong with its frames. */
export type ReadChunk = { n: number; chunk: ArtifactChunk } | { n: number; damaged: DamagedFrame[] };

export interface Verification {
  frames: number;
  chunks: number;
  /** Chunks that can be read whole. */
  readable: number;
  damaged: DamagedFrame[];
  /** True if every frame can be read, and the chunks are those that the manifest was made for. */
  intact: boolean;
}

export interface Artifact {
  /** Undefined if both copies are damaged. */
  readonly manifest: ArtifactManifest | undefined;
  /** The number of chunks. Their numbers are from 0 to one less. */
  readonly count: number;
  /** @throws UserError ChunkNotFound, or ArtifactDamaged which names the frames */
  chunk(n: number): Promise<ArtifactChunk>;
  /**
   * Reads the chunks of these numbers, or all, in the order given. One that is damaged does not hold up the others.
   *
   * @throws UserError ChunkNotFound, before it reads any
   */
  chunks(numbers?: readonly number[]): AsyncGenerator<ReadChunk>;
  /** Reads every frame. */
  verify(): Promise<Verification>;
  close(): void;
}

/**
 * Opens an artifact. Its chunks are read one by one, so an artifact may be larger than memory.
 *
 * @throws UserError ArtifactUnreadable if the file is no artifact, ArtifactTooNew if a newer version has written it
 */
export async function openArtifact(path: string): Promise<Artifact> {
  const video = await openVideo(path);
  try {
    return artifactOf(path, video, await readFrameTable(path, video));
  } catch (error) {
    video.close();
    throw error;
  }
}

type Read = (ReadChunk & { chunk: ArtifactChunk; record: Buffer }) | { n: number; damaged: DamagedFrame[] };

function artifactOf(path: string, video: Video, table: FrameTable): Artifact {
  const { manifest, count } = table;

  function requireChunk(n: number): void {
    if (Number.isInteger(n) && n >= 0 && n < count) return;
    throw new UserError('ChunkNotFound', `${path} has no chunk ${n}: it has ${count} chunks, numbered from 0.`);
  }

  async function read(n: number): Promise<Read> {
    const frames = table.framesOf(n);
    const damaged: DamagedFrame[] = [];
    const bodies: Buffer[] = [];
    const there = frames.filter((frame) => frame !== undefined);
    if (there.length < frames.length) {
      damaged.push({ frame: null, chunk: n, reason: `no frame holds ${frames.length - there.length} of its pieces` });
    }
    for await (const [frame, content] of readFrames(video, there)) {
      const expected = { kind: 'chunk', number: n, piece: frames.indexOf(frame), pieces: frames.length } as const;
      const reason = faultOf(content, expected);
      if (reason !== undefined) damaged.push({ frame, chunk: n, reason });
      else bodies.push((content as Frame).body);
    }
    if (damaged.length > 0) return { n, damaged };
    try {
      const record = joinPieces(bodies);
      return { n, chunk: chunkOf(n, record), record };
    } catch (error) {
      const reason = `its chunk can't be unpacked (${(error as Error).message})`;
      return { n, damaged: [{ frame: there[0] ?? null, chunk: n, reason }] };
    }
  }

  return {
    manifest,
    count,
    async *chunks(numbers) {
      numbers?.forEach(requireChunk);
      for await (const result of readAhead(numbers ?? range(0, count), read)) {
        yield 'chunk' in result ? { n: result.n, chunk: result.chunk } : result;
      }
    },
    async chunk(n) {
      requireChunk(n);
      const result = await read(n);
      if ('chunk' in result) return result.chunk;
      throw new UserError('ArtifactDamaged', `Chunk ${n} of ${path} can't be read: ${inWords(result.damaged)}.`);
    },
    async verify() {
      const damaged: DamagedFrame[] = table.unreadable.map((fault) => ({ ...fault, chunk: null }));
      const hash = createHash('sha256');
      let readable = 0;
      for await (const result of readAhead(range(0, count), read)) {
        if ('damaged' in result) damaged.push(...result.damaged);
        else {
          readable += 1;
          hash.update(result.record);
        }
      }
      for await (const [frame, content] of readFrames(video, table.manifestFrames)) {
        const reason = faultOf(content, { kind: 'manifest' });
        if (reason !== undefined) damaged.push({ frame, chunk: null, reason });
      }
      const isSame = manifest !== undefined && hash.digest('hex') === manifest.sha256;
      return { frames: video.frames, chunks: count, readable, damaged, intact: damaged.length === 0 && isSame };
    },
    close: () => video.close(),
  };
}

/** The fault of a frame; undefined if it holds what is expected. */
function faultOf(content: Frame | FrameError, expected: Partial<Frame>): string | undefined {
  if (content instanceof FrameError) return content.message;
  const isExpected = Object.entries(expected).every(([field, value]) => content[field as keyof Frame] === value);
  if (isExpected) return undefined;
  return content.kind === 'manifest'
    ? 'it holds a part of the manifest instead'
    : `it holds piece ${content.piece} of chunk ${content.number} instead`;
}

function inWords(damaged: readonly DamagedFrame[]): string {
  return damaged.map(({ frame, reason }) => (frame === null ? reason : `frame ${frame}: ${reason}`)).join('; ');
}
