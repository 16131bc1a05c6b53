import { randomUUID } from 'node:crypto';
import type { ReadingDocument } from '../store/documents.ts';
import { findReading, noteReading, writeStaged } from '../store/staged-annotations.ts';
import type { Store } from '../store/store.ts';
import { createBuckets } from './buckets.ts';
import type { InvalidAnnotation, Piece, ReadStep } from './formats/format.ts';
import { formatOf } from './formats/index.ts';
import type { AnnotationPlan } from './plan.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';

/** How many of the things that went wrong are named. */
export const MAX_NAMED = 100;

/** The characters that are kept of a name or a message: all of them are part of a job's record and its history. */
export const MAX_NAME = 300;

/** The most bytes that one piece takes, as JSON: the annotations of a picture must fit into its sample. */
export const MAX_PIECE_BYTES = 4 << 20;

export interface StagingRequest {
  jobId: string;
  /** The folders that a listing could not read since the last call. */
  takeUnreadable: () => string[];
  /** Called after each step. */
  onStep: () => void;
  /** Called when what was read is safe. */
  onStored: (reading: ReadingDocument) => void;
  signal: AbortSignal;
}

/**
 * Reads annotations, and stores their pieces by bucket. An attempt after a crash goes on behind what is stored.
 *
 * @throws UserError AnnotationsBroken
 */
export async function stageAnnotations(
  store: Store,
  files: AnnotationFiles,
  plan: AnnotationPlan,
  { jobId, takeUnreadable, onStep, onStored, signal }: StagingRequest,
): Promise<ReadingDocument> {
  let reading = await findReading(store, jobId);
  if (reading?.done === true) return reading;
  const fingerprints = await fingerprintsOf(files, plan);
  // A position in a file means nothing in another version of it, and IDs may have changed: then all is read again.
  const isSame = reading !== undefined && reading.fingerprints.join() === fingerprints.join();
  let next: ReadingDocument = isSame
    ? (reading as ReadingDocument)
    : { ...firstReading(jobId, fingerprints), steps: reading?.steps ?? 0 };
  const classes = createClasses(next.classes);
  const buckets = createBuckets();

  const flush = async (set: number) => {
    const name = randomUUID();
    const taken = buckets.take();
    await writeStaged(store, { jobId, set, flush: name }, taken);
    const staged_bytes = taken.reduce((sum, { pieces }) => sum + pieces.length, next.staged_bytes);
    const flushes = [...next.flushes, name];
    next = { ...next, steps: next.steps + 1, flushes, staged_bytes, classes: classes.json() };
    if (!(await noteReading(store, next, reading?.steps)))
      throw new Error('Another attempt reads these annotations. The next one goes on where that one has come to.');
    reading = next;
    onStored(next);
  };

  for (let { set } = next; set < plan.sets.length; set += 1) {
    const { path, format } = plan.sets[set] as AnnotationPlan['sets'][number];
    const from = next.set === set && next.cursor !== undefined ? (JSON.parse(next.cursor) as unknown) : undefined;
    const steps = formatOf(format).read({ path, files, task: plan.task, columns: plan.columns, from });
    for await (const step of steps) {
      signal.throwIfAborted();
      let objects = 0;
      const invalid = [...step.invalid, ...takeUnreadable().map(unreadableFolder)];
      for (const each of step.classes) classes.add(each);
      for (const piece of step.pieces) {
        const refused = addPiece(buckets, piece, path);
        if (refused === undefined) objects += piece.annotations?.length ?? 0;
        else invalid.push(refused);
      }
      next = {
        ...invalid.reduce(withInvalid, next),
        set,
        cursor: JSON.stringify(step.cursor ?? null),
        bytes: next.bytes + step.bytes,
        objects: next.objects + objects,
      };
      onStep();
      if (buckets.isFull()) await flush(set);
    }
    const { cursor: _, ...rest } = takeUnreadable().map(unreadableFolder).reduce(withInvalid, next);
    next = { ...rest, set: set + 1 };
    await flush(set);
  }
  next = { ...next, done: true };
  await flush(plan.sets.length);
  return next;
}

/** What changes with the files that were named. A folder has none: its files are read one by one. */
const fingerprintsOf = (files: AnnotationFiles, { sets }: AnnotationPlan): Promise<string[]> =>
  Promise.all(sets.map(async ({ path }) => (await files.fingerprint(path)) ?? ''));

const unreadableFolder = (folder: string): InvalidAnnotation => ({
  reason: 'unreadable_file',
  file: folder,
  message: `${folder} can't be read, or is a link that leads out of the allowed folders.`,
});

const firstReading = (jobId: string, fingerprints: string[]): ReadingDocument => ({
  _id: jobId,
  steps: 0,
  fingerprints,
  staged_bytes: 0,
  set: 0,
  flushes: [],
  bytes: 0,
  objects: 0,
  invalid: {},
  invalid_named: [],
  classes: '[]',
  done: false,
});

/** Counts an invalid annotation, and names it if few are named. */
export function withInvalid<T extends Pick<ReadingDocument, 'invalid' | 'invalid_named'>>(
  counts: T,
  { reason, file, line, message }: InvalidAnnotation,
): T {
  const named = {
    reason,
    file: file.slice(-MAX_NAME),
    ...(line === undefined ? {} : { line }),
    message: message.slice(0, MAX_NAME),
  };
  return {
    ...counts,
    invalid: { ...counts.invalid, [reason]: (counts.invalid[reason] ?? 0) + 1 },
    invalid_named: counts.invalid_named.length < MAX_NAMED ? [...counts.invalid_named, named] : counts.invalid_named,
  };
}

function addPiece(
  buckets: ReturnType<typeof createBuckets>,
  piece: Piece,
  path: string,
): InvalidAnnotation | undefined {
  const json = JSON.stringify(piece);
  // Some characters take three bytes.
  if (
    json.length <= MAX_PIECE_BYTES &&
    (json.length <= MAX_PIECE_BYTES / 3 || Buffer.byteLength(json) <= MAX_PIECE_BYTES)
  ) {
    buckets.add(piece.key, json);
    return undefined;
  }
  // The image is known all the same, and loses nothing that it had.
  buckets.add(piece.key, JSON.stringify({ key: piece.key, tooMany: true }));
  const objects = piece.annotations?.length ?? 0;
  const message = `"${piece.image?.name ?? piece.key}" has ${objects} objects in ${json.length} bytes, and ${MAX_PIECE_BYTES} can be stored.`;
  return { reason: 'too_many', file: path, message };
}

/** Collects classes in the order of their declaration. The last description of a name counts. */
function createClasses(stored: string) {
  const classes = new Map((JSON.parse(stored) as ReadStep['classes']).map((each) => [each.name, each]));
  return {
    add: (each: ReadStep['classes'][number]) => void classes.set(each.name, each),
    json: () => JSON.stringify([...classes.values()]),
  };
}
