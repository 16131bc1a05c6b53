import type { ExportedCounts } from '../../contract/exports.ts';
import type { ExportDatasetInput } from '../../contract/inputs.ts';
import { deepestAbove, relativeTo } from '../folders.ts';
import { fileOfSample } from '../sources/files.ts';
import type { Sources } from '../sources/source.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import { findDataset, getDataset } from '../store/datasets.ts';
import { countToExport, type ExportQuery, type StoredExport, samplesToExport } from '../store/exported-samples.ts';
import type { Store } from '../store/store.ts';
import type { ExportSample } from './export-request.ts';
import { exportSamples } from './export-samples.ts';

export interface DatasetExport {
  jobId: string;
  request: ExportDatasetInput;
  /** The model whose vectors are written. */
  modelKey?: string | undefined;
  /** Called for every page of samples and every file. */
  onStep: () => void;
  onProgress: (exported: ExportedCounts) => void;
  signal: AbortSignal;
}

/**
 * Writes the indexed samples of a dataset to a folder. Another call for the same job goes on with what one before has
 * left. The images that a load adds meanwhile may be in it.
 *
 * @throws UserError ExportNotWritable, DatasetNotFound
 */
export async function exportDataset(
  { store, sources }: { store: Store; sources: Sources },
  { jobId, request, modelKey, onStep, onProgress, signal }: DatasetExport,
): Promise<ExportedCounts> {
  const { dataset, target, format, images, field, task, filter = {} } = request;
  const { sources: roots, annotation_fields } = await getDataset(store, dataset);
  const query = { datasetId: dataset, filter, field, modelKey };
  const total = await countToExport(store, query);
  onStep();
  const counts = await exportSamples(() => samplesOf(store, query, { roots, onStep }), {
    target,
    format,
    images,
    classes: annotation_fields?.find(({ name }) => name === field)?.classes ?? [],
    dataset,
    field,
    ...(task === undefined ? {} : { task }),
    vectors: modelKey !== undefined,
    selection: { filter, model: modelKey },
    id: jobId,
    signal,
    onProgress: (reached) => onProgress({ ...reached, total }),
    open(file) {
      onStep();
      return sources.of(file.path).open(file);
    },
  });
  return { ...counts, total };
}

async function* samplesOf(
  store: Store,
  query: ExportQuery,
  { roots, onStep }: { roots: readonly string[]; onStep: () => void },
): AsyncGenerator<ExportSample> {
  for await (const page of samplesToExport(store, query)) {
    onStep();
    for (const stored of page) yield toSample(stored, roots);
  }
  // A deletion takes samples away. What is left of them must not count as the whole dataset.
  const dataset = await findDataset(store, query.datasetId);
  if (dataset === undefined || dataset.deleting !== undefined) throw datasetDeletedMeanwhile(query.datasetId);
}

function toSample(stored: StoredExport, roots: readonly string[]): ExportSample {
  const { seq, filepath, split, tags, metadata, objects, vector } = stored;
  const root = deepestAbove(filepath, roots);
  const { width, height } = metadata ?? {};
  return {
    seq,
    file: fileOfSample(stored),
    name: root === undefined ? filepath : relativeTo(root, filepath),
    ...(typeof width === 'number' && typeof height === 'number' ? { width, height } : {}),
    ...(split === undefined ? {} : { split }),
    tags,
    annotations: objects,
    ...(vector === undefined ? {} : { vector }),
  };
}
