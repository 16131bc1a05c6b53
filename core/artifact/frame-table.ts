import { UserError } from '../errors.ts';
import { type Frame, FrameError, joinPieces } from './frame.ts';
import { type ArtifactManifest, parseManifest } from './manifest.ts';
import { readFrame, readFrames } from './read-frame.ts';
import { ENCODED_AGAIN, unreadable, type Video } from './video.ts';

/** Which frames hold which chunk. */
export interface FrameTable {
  /** Undefined if both copies are damaged. */
  manifest: ArtifactManifest | undefined;
  /** The number of chunks. */
  count: number;
  /** The frames of a chunk's pieces in their order; undefined for a piece that no frame holds. */
  framesOf(n: number): readonly (number | undefined)[];
  /** The frames of both manifests. */
  manifestFrames: readonly number[];
  /** Frames that could not be read while the table was made. */
  unreadable: readonly { frame: number; reason: string }[];
}

/** If none of so many first frames can be read, none of the others is tried. */
const FRAMES_TRIED = 100;

/**
 * Reads the manifest, which says where everything is. If both copies are damaged, or frames were taken out of the
 * video, all frames are read, because each says what it holds.
 *
 * @throws UserError ArtifactUnreadable, ArtifactTooNew
 */
export async function readFrameTable(path: string, video: Video): Promise<FrameTable> {
  const manifest = (await readManifest(path, video, 'first')) ?? (await readManifest(path, video, 'last'));
  return (manifest && tableOf(manifest, video.frames)) ?? (await searchFrames(path, video, manifest?.manifest));
}

interface FoundManifest {
  manifest: ArtifactManifest;
  /** How many frames each copy takes. */
  pieces: number;
}

/** @returns undefined if this copy is damaged */
async function readManifest(path: string, video: Video, copy: 'first' | 'last'): Promise<FoundManifest | undefined> {
  try {
    const { kind, pieces } = await readFrame(video, copy === 'first' ? 0 : video.frames - 1);
    if (kind !== 'manifest') return undefined;
    const first = copy === 'first' ? 0 : video.frames - pieces;
    const bodies: Buffer[] = [];
    for await (const [, content] of readFrames(video, range(first, first + pieces))) {
      if (content instanceof FrameError) return undefined;
      bodies.push(content.body);
    }
    return { manifest: parseManifest(joinPieces(bodies)), pieces };
  } catch (error) {
    if (error instanceof FrameError && error.reason === 'newer') throw tooNew(path, error);
    return undefined;
  }
}

/** @returns undefined if the video has more or fewer frames than the manifest says */
function tableOf({ manifest, pieces }: FoundManifest, frames: number): FrameTable | undefined {
  const inRuns = (unit: (run: [number, number]) => number) => manifest.runs.reduce((sum, run) => sum + unit(run), 0);
  if (inRuns(([chunks]) => chunks) !== manifest.chunks) return undefined;
  if (inRuns(([chunks, each]) => chunks * each) + 2 * pieces !== frames) return undefined;
  // Chunk n takes the frames from starts[n] up to starts[n + 1].
  const starts = new Uint32Array(manifest.chunks + 1);
  let n = 0;
  let start = pieces;
  for (const [chunks, each] of manifest.runs) {
    for (const end = n + chunks; n < end; start += each) starts[n++] = start;
  }
  starts[n] = start;
  return {
    manifest,
    count: manifest.chunks,
    framesOf: (n) => [...range(starts[n] ?? 0, starts[n + 1] ?? 0)],
    manifestFrames: [...range(0, pieces), ...range(frames - pieces, frames)],
    unreadable: [],
  };
}

async function searchFrames(path: string, video: Video, manifest: ArtifactManifest | undefined): Promise<FrameTable> {
  const places = new Map<number, (number | undefined)[]>();
  const faults: { frame: number; reason: string }[] = [];
  const manifestFrames: number[] = [];
  let firstError: FrameError | undefined;
  for await (const [frame, content] of readFrames(video, range(0, video.frames))) {
    if (content instanceof FrameError) {
      if (content.reason === 'newer') throw tooNew(path, content);
      // A code of others says more than a code that is blurred.
      if (firstError === undefined || content.reason === 'foreign') firstError = content;
      faults.push({ frame, reason: content.message });
      if (faults.length === FRAMES_TRIED && faults.length === frame + 1) break;
    } else if (content.kind === 'manifest') manifestFrames.push(frame);
    else placesOf(places, content)[content.piece] = frame;
  }
  if (places.size === 0 && manifest === undefined) {
    if (firstError?.reason === 'foreign') throw unreadable(path, 'its codes are not those of an artifact.');
    throw unreadable(path, `no frame holds a readable code. ${ENCODED_AGAIN}`);
  }
  return {
    manifest,
    count: manifest?.chunks ?? Math.max(-1, ...places.keys()) + 1,
    framesOf: (n) => places.get(n) ?? [undefined],
    manifestFrames,
    unreadable: faults,
  };
}

function placesOf(places: Map<number, (number | undefined)[]>, { number, pieces }: Frame): (number | undefined)[] {
  const known = places.get(number);
  if (known !== undefined) return known;
  const made = new Array<number | undefined>(pieces).fill(undefined);
  places.set(number, made);
  return made;
}

const tooNew = (path: string, error: FrameError): UserError =>
  new UserError('ArtifactTooNew', `${path} can't be read: ${error.message}. Use a newer version of Plimsoll.`);

export function* range(from: number, to: number): Generator<number> {
  for (let each = from; each < to; each += 1) yield each;
}
