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

/** The most bytes that one piece takes, as JSON: the annotations of a picture must fit into its sample. */
export const MAX_PIECE_BYTES = 4 << 20;

export interface StagingRequest {
  jobId: string;
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
  { jobId, onStep, onStored, signal }: StagingRequest,
): Promise<ReadingDocument> {
  let reading = await findReading(store, jobId);
  let next: ReadingDocument = reading ?? firstReading(jobId);
  if (next.done) return next;
  const classes = createClasses(next.classes);
  const buckets = createBuckets();

  const flush = async (set: number) => {
    const name = randomUUID();
    await writeStaged(store, { jobId, set, flush: name }, buckets.take());
    next = { ...next, steps: next.steps + 1, flushes: [...next.flushes, name], classes: classes.json() };
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
      const invalid = [...step.invalid];
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
    const { cursor: _, ...rest } = next;
    next = { ...rest, set: set + 1 };
    await flush(set);
  }
  next = { ...next, done: true };
  await flush(plan.sets.length);
  return next;
}

const firstReading = (jobId: string): ReadingDocument => ({
  _id: jobId,
  steps: 0,
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
  const named = { reason, file, ...(line === undefined ? {} : { line }), message: message.slice(0, 500) };
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
  if (json.length <= MAX_PIECE_BYTES) {
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
