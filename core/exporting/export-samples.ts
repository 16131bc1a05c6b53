import { createClassList } from './class-list.ts';
import type { ExportFormat } from './export-format.ts';
import {
  type ExportCounts,
  type ExportFormatName,
  type ExportRequest,
  type ExportSample,
  type NamedSample,
  noCounts,
  type SkipReason,
} from './export-request.ts';
import { createExportedNames } from './exported-names.ts';
import { coco } from './formats/coco.ts';
import { csv } from './formats/csv.ts';
import { fiftyone } from './formats/fiftyone.ts';
import { folders } from './formats/folders.ts';
import { jsonl } from './formats/jsonl.ts';
import { npy } from './formats/npy.ts';
import { parquet } from './formats/parquet.ts';
import { voc } from './formats/voc.ts';
import { yolo } from './formats/yolo.ts';
import { checkTarget } from './marker.ts';
import { placeImage } from './place-image.ts';
import { openTarget, type TargetFolder } from './target-folder.ts';

/** Samples that are held at a time. */
const BATCH = 64;
/** Files that are copied at a time, to hide the latency of a network disk. */
const COPIES = 8;
/** Samples between two calls of `onProgress`. */
const PROGRESS = 256;

type OpenFormat = (
  request: ExportRequest,
  samples: () => AsyncIterable<ExportSample>,
) => ExportFormat | Promise<ExportFormat>;

const FORMATS: Record<ExportFormatName, OpenFormat> = {
  coco: () => coco,
  yolo,
  voc: () => voc,
  csv: () => csv,
  jsonl: () => jsonl,
  fiftyone: () => fiftyone,
  folders,
  npy: () => npy,
  parquet: () => parquet,
};

/**
 * Writes samples to a folder. Files appear there whole or not at all, and a marker says whether all are there. If a call
 * fails or dies, another one with the same request goes on: images that are whole are not copied again, all else is
 * written anew. The same samples give the same bytes, however many attempts it takes.
 *
 * @param samples starts to read the samples, in the order of `seq`. May be called twice: YOLO looks for the task first.
 * @throws UserError ExportNotWritable if the folder can't be written or holds something else, or if the format lacks
 *   something that only the caller can decide
 * @throws Error that says what to do if the disk is full
 * @throws the reason of `signal` if it aborts
 */
export async function exportSamples(
  samples: () => AsyncIterable<ExportSample>,
  request: ExportRequest,
): Promise<ExportCounts> {
  request.signal.throwIfAborted();
  const finished = await checkTarget(request);
  if (finished !== undefined) return finished;
  const format = await FORMATS[request.format](request, samples);
  const folder = await openTarget(request);
  try {
    const counts = noCounts();
    const skip = (reason: SkipReason) => increment(counts.skipped_annotations, reason);
    const output = { folder, request, counts, skip, classes: createClassList(request.classes) };
    await format.write(namedSamples(samples(), { format, folder, request, counts }), output);
    request.signal.throwIfAborted();
    await folder.finish(counts);
    request.onProgress(counts);
    return counts;
  } catch (error) {
    await folder.discard();
    throw error;
  }
}

const increment = (counts: Partial<Record<SkipReason, number>>, reason: SkipReason): void => {
  counts[reason] = (counts[reason] ?? 0) + 1;
};

interface Context {
  format: ExportFormat;
  folder: TargetFolder;
  request: ExportRequest;
  counts: ExportCounts;
}

/** Names samples, and puts their images in their places. Those that can't be in the export are counted and left out. */
async function* namedSamples(
  samples: AsyncIterable<ExportSample>,
  { format, folder, request, counts }: Context,
): AsyncGenerator<NamedSample> {
  const { images, signal, onProgress } = request;
  const nameOf = namesFor(format, request);
  let seen = 0;
  for await (const batch of batches(samples, BATCH)) {
    signal.throwIfAborted();
    const named = batch.flatMap((sample): NamedSample[] => {
      const reason = format.refuse?.(sample);
      if (reason !== undefined) {
        increment(counts.skipped_samples, reason);
        return [];
      }
      return [nameOf(sample)];
    });
    const isPlaced =
      images === 'none'
        ? named.map(() => true)
        : await inTurn(named, COPIES, (one) => placeImage(one, format.imagePath(one), folder, request));
    for (const [index, sample] of named.entries()) {
      if (isPlaced[index] !== true) {
        increment(counts.skipped_samples, 'file_unavailable');
        continue;
      }
      counts.samples += 1;
      if (images !== 'none') counts.images += 1;
      if (sample.exported !== sample.name) counts.renamed += 1;
      yield sample;
    }
    if (Math.floor((seen + batch.length) / PROGRESS) > Math.floor(seen / PROGRESS)) onProgress(counts);
    seen += batch.length;
  }
}

/** Names are those of files, or, where images stay and there are no label files, those of the originals. */
function namesFor(format: ExportFormat, { images }: ExportRequest): (sample: ExportSample) => NamedSample {
  const hasFiles = images !== 'none' || format.labelPath !== undefined;
  const names = createExportedNames((sample) =>
    [
      images === 'none' ? undefined : format.imagePath(sample),
      hasFiles ? format.labelPath?.(sample) : sample.exported,
    ].filter((path) => path !== undefined),
  );
  if (hasFiles) return names;
  return (sample) => {
    const named = names(sample);
    return named.exported === sample.name ? named : { ...named, exported: sample.file.path };
  };
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Applies a function to items, a few at a time. If one fails, it waits for those that have begun. */
async function inTurn<T, R>(items: readonly T[], limit: number, apply: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += limit) {
    const settled = await Promise.allSettled(items.slice(at, at + limit).map(apply));
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason;
      results.push(one.value);
    }
  }
  return results;
}
