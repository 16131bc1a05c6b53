/**
 * A segment: the frames of some chunks that follow each other, as a file of the work folder. It is complete or not
 * there, so a writer that was killed goes on after it.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENCODER } from './av1-still.ts';
import { FORMAT_VERSION } from './frame.ts';
import { writeDurably } from './write-durably.ts';

export interface Segment {
  path: string;
  /** The number of frames that each chunk takes. */
  pieces: number[];
  /** The bytes of each frame. */
  sizes: number[];
}

/** The manifest of a segment, in one line before the frames. */
interface SegmentManifest {
  format: number;
  encoder: string;
  /** SHA-256 of the chunks' records and of their number, in hexadecimal. */
  content: string;
  pieces: number[];
  sizes: number[];
  /** SHA-256 of all frames, in hexadecimal. */
  frames: string;
}

/** The segment's name tells its content, so that another content never takes it for its own. */
const pathOf = (folder: string, first: number, content: string) =>
  join(folder, `${String(first).padStart(9, '0')}-${content.slice(0, 16)}.segment`);

/** @param first the number of the first chunk */
export function contentOf(first: number, records: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(`${first}\n`);
  for (const record of records) hash.update(`${record.length}\n`).update(record);
  return hash.digest('hex');
}

/** Finds a segment of this content, made by this version and undamaged. */
export async function findSegment(folder: string, first: number, content: string): Promise<Segment | undefined> {
  const path = pathOf(folder, first, content);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf('\n');
  const manifest = parse(bytes.subarray(0, end).toString());
  if (manifest?.format !== FORMAT_VERSION || manifest.encoder !== ENCODER || manifest.content !== content) {
    return undefined;
  }
  if (manifest.frames !== hashOf([bytes.subarray(end + 1)])) return undefined;
  return { path, pieces: manifest.pieces, sizes: manifest.sizes };
}

export async function writeSegment(
  folder: string,
  first: number,
  content: string,
  { pieces, samples }: { pieces: number[]; samples: Uint8Array[] },
): Promise<Segment> {
  const path = pathOf(folder, first, content);
  const sizes = samples.map(({ length }) => length);
  const manifest: SegmentManifest = {
    format: FORMAT_VERSION,
    encoder: ENCODER,
    content,
    pieces,
    sizes,
    frames: hashOf(samples),
  };
  await writeDurably(path, async (file) => {
    await file.writeFile(`${JSON.stringify(manifest)}\n`);
    for (const sample of samples) await file.writeFile(sample);
  });
  return { path, pieces, sizes };
}

/** Appends the frames of a segment to a file. */
export async function copyFrames({ path, sizes }: Segment, to: FileHandle): Promise<void> {
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const from = await open(path);
  try {
    const { size } = await from.stat();
    const frames = Buffer.alloc(bytes);
    const { bytesRead } = await from.read(frames, 0, bytes, size - bytes);
    if (bytesRead !== bytes) throw new Error(`${path} has become shorter while it was in use.`);
    await to.writeFile(frames);
  } finally {
    await from.close();
  }
}

function parse(line: string): SegmentManifest | undefined {
  try {
    return JSON.parse(line) as SegmentManifest;
  } catch {
    return undefined;
  }
}

function hashOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
