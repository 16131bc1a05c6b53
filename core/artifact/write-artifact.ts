import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unlessAborted } from '../concurrency/abort.ts';
import { systemErrorCode, UserError } from '../errors.ts';
import { type ArtifactChunk, recordOf } from './artifact-chunk.ts';
import { av1ConfigurationOf } from './av1-still.ts';
import { createEncoders, type Encoders } from './encoder/encoders.ts';
import { FORMAT_VERSION, frameTexts } from './frame.ts';
import { type ArtifactManifest, createManifestCounter, runsOf } from './manifest.ts';
import { mp4Head } from './mp4.ts';
import { FRAME_SIDE } from './qr-code.ts';
import { contentOf, copyFrames, findSegment, type Segment, writeSegment } from './segment.ts';
import { writeDurably } from './write-durably.ts';

/** Chunks of a segment: a second or two of work, which is all that a crash costs. */
const SEGMENT_CHUNKS = 64;

export interface WriteOptions {
  /** The file to write. Its folder has to be there. A folder `<target>.parts` beside it holds what is made so far. */
  target: string;
  dataset: string;
  /** RFC 3339. Equal chunks and an equal time give an equal file. */
  createdAt: string;
  /** When it aborts, the writer ends its processes and throws the signal's reason. What is made so far stays. */
  signal?: AbortSignal;
  /** Called several times a second while frames are made, and for each segment that was there already. */
  onProgress?: (progress: WriteProgress) => void;
  /** Processes that encode, a core each. Default: as many as there are cores. */
  processes?: number;
}

export interface WriteProgress {
  chunks: number;
  frames: number;
  /** Bytes of these frames. */
  bytes: number;
}

export interface WrittenArtifact {
  manifest: ArtifactManifest;
  /** Frames of the video, with those of both manifests. */
  frames: number;
  /** Bytes of the file. */
  bytes: number;
}

/** Some chunks that follow each other. */
interface Group {
  first: number;
  records: Buffer[];
}

/**
 * Writes chunks as a video of QR codes. Each frame is decoded and read again before it counts. The file appears whole,
 * or what was there stays. A call with the same target and chunks goes on after the last whole segment of one that was
 * killed.
 *
 * @throws UserError ArtifactNotWritable if there is no such folder, or a chunk is too large
 * @throws RangeError if chunks are not numbered 0, 1, 2, …
 * @throws Error if the disk is full, or a process that encodes has died; another call goes on
 */
export async function writeArtifact(
  chunks: AsyncIterable<ArtifactChunk>,
  { target, dataset, createdAt, signal, onProgress, processes }: WriteOptions,
): Promise<WrittenArtifact> {
  signal?.throwIfAborted();
  const folder = `${target}.parts`;
  await makeFolder(target, folder);
  const encoders = createEncoders(processes);
  const endEncoders = () => encoders.close();
  signal?.addEventListener('abort', endEncoders);
  try {
    const counter = createManifestCounter();
    const segments = await unlessAborted(
      makeSegments(groupsOf(chunks, counter, signal), { folder, encoders, onProgress }),
      signal,
    );
    const manifest: ArtifactManifest = {
      format: FORMAT_VERSION,
      dataset,
      created_at: createdAt,
      ...counter.counts(),
      runs: runsOf(segments.flatMap(({ pieces }) => pieces)),
    };
    const texts = frameTexts('manifest', 0, Buffer.from(JSON.stringify(manifest)));
    const ends = await unlessAborted(encoders.encode(texts), signal);
    const written = await publish({ target, folder, segments, ends });
    return { manifest, ...written };
  } finally {
    signal?.removeEventListener('abort', endEncoders);
    encoders.close();
  }
}

/** @throws UserError ArtifactNotWritable */
async function makeFolder(target: string, folder: string): Promise<void> {
  const before = await stat(target).catch(() => undefined);
  if (before !== undefined && !before.isFile()) throw notWritable(target, 'it is not a file.');
  try {
    await mkdir(folder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST' && (await isOwnFolder(folder))) return;
    if (code === 'EEXIST')
      throw notWritable(target, `${folder} is there, and holds other things than its segments.`, error);
    const where = dirname(target);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw notWritable(target, `the folder ${where} is not there.`, error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw notWritable(target, `writing to ${where} is not permitted (${code}).`, error);
    }
    throw error;
  }
}

/** What a work folder holds: segments, and files that are being written. */
const OWN = /(?:\.segment|\.tmp|\.mp4)$/;

/** Whether a folder holds nothing but what a writer has left in it. It is removed at the end. */
async function isOwnFolder(folder: string): Promise<boolean> {
  if (!(await lstat(folder)).isDirectory()) return false;
  return (await readdir(folder)).every((name) => OWN.test(name));
}

const notWritable = (target: string, why: string, cause?: unknown): UserError =>
  new UserError('ArtifactNotWritable', `The artifact ${target} can't be written: ${why}`, { cause });

async function* groupsOf(
  chunks: AsyncIterable<ArtifactChunk>,
  counter: ReturnType<typeof createManifestCounter>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Group> {
  let group: Group = { first: 0, records: [] };
  let next = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    if (chunk.n !== next) throw new RangeError(`Expected chunk ${next}, got ${chunk.n}: chunks come in order, from 0.`);
    next += 1;
    const record = recordOf(chunk);
    counter.add(chunk.document, record);
    group.records.push(record);
    if (group.records.length < SEGMENT_CHUNKS) continue;
    yield group;
    group = { first: next, records: [] };
  }
  if (group.records.length > 0) yield group;
}

/** Makes the segments that are not there yet, a few at a time. */
async function makeSegments(
  groups: AsyncIterable<Group>,
  { folder, encoders, onProgress }: { folder: string; encoders: Encoders; onProgress: WriteOptions['onProgress'] },
): Promise<Segment[]> {
  const progress: WriteProgress = { chunks: 0, frames: 0, bytes: 0 };
  function advance(sizes: number[], chunks = 0): void {
    progress.chunks += chunks;
    progress.frames += sizes.length;
    progress.bytes += sizes.reduce((sum, size) => sum + size, 0);
    onProgress?.({ ...progress });
  }

  async function make({ first, records }: Group): Promise<Segment> {
    const content = contentOf(first, records);
    const there = await findSegment(folder, first, content);
    if (there !== undefined) {
      advance(there.sizes, records.length);
      return there;
    }
    const texts = records.map((record, index) => frameTexts('chunk', first + index, record));
    const samples = await encoders.encode(texts.flat(), (made) => advance(made.map(({ length }) => length)));
    const pieces = texts.map(({ length }) => length);
    const segment = await writeSegment(folder, first, content, { pieces, samples });
    advance([], records.length);
    return segment;
  }

  const segments: Segment[] = [];
  const making = new Set<Promise<void>>();
  let count = 0;
  for await (const group of groups) {
    const index = count++;
    const made = make(group).then((segment) => {
      segments[index] = segment;
      making.delete(made);
    });
    // The race below throws it, too.
    made.catch(() => {});
    making.add(made);
    // One more than there are processes, so that none waits while a segment is written.
    if (making.size > encoders.most) await Promise.race(making);
  }
  await Promise.all(making);
  return segments;
}

/** Joins the segments into one file, moves it to its place, and removes the work folder. */
async function publish({
  target,
  folder,
  segments,
  ends,
}: {
  target: string;
  folder: string;
  segments: readonly Segment[];
  ends: readonly Uint8Array[];
}): Promise<{ frames: number; bytes: number }> {
  const endSizes = ends.map(({ length }) => length);
  const sizes = [...endSizes, ...segments.flatMap((segment) => segment.sizes), ...endSizes];
  const head = mp4Head({
    width: FRAME_SIDE,
    height: FRAME_SIDE,
    configuration: av1ConfigurationOf(Buffer.from(ends[0] as Uint8Array)),
    sizes,
  });
  await writeDurably(
    target,
    async (file) => {
      await file.writeFile(head);
      for (const sample of ends) await file.writeFile(sample);
      for (const segment of segments) await copyFrames(segment, file);
      for (const sample of ends) await file.writeFile(sample);
    },
    join(folder, `${randomUUID()}.mp4`),
  );
  await rm(folder, { recursive: true, force: true });
  return { frames: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, head.length) };
}
