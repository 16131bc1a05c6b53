/**
 * Inputs of the workflows. Every field that crosses a border is snake_case, as in the documents: one spelling for all
 * languages.
 */
import { z } from 'zod';
import { ANNOTATION_TASKS, annotationField, annotationSource, annotationsOption, GROUND_TRUTH } from './annotations.ts';
import { BUILT_IN_MODEL } from './built-in-model.ts';
import { EXPORT_FORMATS, EXPORT_IMAGES, VECTOR_FORMATS } from './exports.ts';
import { importedModelKey } from './imported.ts';
import { INDEX_KINDS } from './job.ts';
import { chunks, embeddingOptions, mediumOption, queueOptions, selectionOptions, webhooks } from './options.ts';
import { searchFilter } from './sample-filter.ts';
import { ifThen, oneOfFields } from './schema-rules.ts';

/** Names of datasets and schedules. */
export const plainName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: ({ input }) =>
    `must begin with a-z or 0-9, go on with a-z, 0-9, ".", "_" or "-", and have 63 characters at most, not be ${JSON.stringify(String(input).slice(0, 100))}`,
});

const datasetName = plainName.describe('Name of the dataset.');

const model = z
  .string()
  .min(1)
  .max(4096)
  .describe(
    "The embedding model: built-in, a folder's name below the worker's model folders, or a folder's absolute path on the embedding worker's machine. A variant may follow: my-clip:fp16 means the graph in that folder whose name ends with _fp16. The variants are fp32 (the plain graph), fp16, int8, uint8, q8, q4, q4f16 and bnb4.",
  );

/** No file has a NUL in its path, and no system call takes one. */
const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((name) => !name.includes('\0'), 'must hold no NUL');

const embed = z.boolean().default(true).describe('Whether to run the embedding phase.');

const maxFailedPercent = z
  .number()
  .min(0)
  .max(100)
  .default(100)
  .describe('The load fails when a larger share of its files can not be read, or when none can.');

/** Input of the workflow `loadDataset`. */
export const loadDatasetInput = z
  .strictObject({
    dataset: datasetName,
    source: path.describe("Absolute path of a folder on the indexing worker's machine."),
    media: mediumOption,
    chunks,
    annotations: annotationsOption,
    artifact: path
      .regex(/^\/.+\.[mM][pP]4$/, 'must be the absolute path of an .mp4 file')
      .optional()
      .describe(
        "Absolute path on the indexing worker's machine of a video of QR codes that holds all chunks of the dataset. It is written right after the first phase, beside the second.",
      ),
    artifact_index: path
      .regex(/^\/.+\.[jJ][sS][oO][nN]$/, 'must be the absolute path of a .json file')
      .optional()
      .describe('Absolute path of a JSON file: the index of the artifact, written after the second phase.'),
    embed,
    model: model.default(BUILT_IN_MODEL),
    max_failed_percent: maxFailedPercent,
    ...selectionOptions,
    ...embeddingOptions,
    ...queueOptions,
    webhooks,
  })
  .describe('Loads a folder into a dataset: indexes it, then embeds it in the background.');

/** Input of the workflow `retryFailed`. */
export const retryFailedInput = z
  .strictObject({
    dataset: datasetName,
    embed,
    model: model.default(BUILT_IN_MODEL),
    ...embeddingOptions,
    ...queueOptions,
    webhooks,
  })
  .describe('Reads again the files of a dataset that could not be read, and embeds again what could not be embedded.');

/** Input of the workflow `embedDataset`. */
export const embedDatasetInput = z
  .strictObject({
    dataset: datasetName,
    model: model.default(BUILT_IN_MODEL),
    ...embeddingOptions,
    ...queueOptions,
    webhooks,
  })
  .describe('Embeds the samples of a dataset that lack a vector of the model.');

/** Input of the workflow `pruneDataset`. */
export const pruneDatasetInput = z
  .strictObject({ dataset: datasetName })
  .describe('Deletes the samples of a dataset whose files are missing, and their vectors.');

/** The name of a folder that need not be there any more. A name with a scheme belongs to another kind of source. */
const folderName = path.regex(/^(\/|[A-Za-z][A-Za-z0-9+.-]+:)/, 'must be an absolute path');

/** Input of the workflow `relocateDataset`. */
export const relocateDatasetInput = z
  .strictObject({
    dataset: datasetName,
    from: folderName.describe('Where the files were: a source of the dataset, or a folder below one.'),
    to: folderName.describe("Where the files are now: absolute path of a folder on the indexing worker's machine."),
  })
  .describe('Follows files that were moved to another folder: their samples keep their numbers, tags and vectors.');

/** Input of the workflow `forgetSource`. */
export const forgetSourceInput = z
  .strictObject({
    dataset: datasetName,
    source: folderName.describe('A source of the dataset, or a folder below one. It need not be there.'),
  })
  .describe('Deletes the samples of a dataset that lie below a folder, and their vectors. The files stay.');

/** Input of the workflow `deleteDataset`. */
export const deleteDatasetInput = z
  .strictObject({ dataset: datasetName })
  .describe('Deletes a dataset with its samples and vectors. Its files and the records of its jobs stay.');

/** Input of the workflow `indexVectors`. */
export const indexVectorsInput = z
  .strictObject({
    dataset: datasetName,
    model_key: z.string().min(1).max(4200).describe('Key of the model whose vectors are indexed: name@revision.'),
    model: model.describe('What embeddings of the dataset call the model: neither begins while the other runs.'),
    kind: z
      .enum(['auto', ...INDEX_KINDS])
      .default('auto')
      .describe(
        'The kind of index: exact without a graph of neighbours, or how the graph stores vectors. auto: by their number.',
      ),
    embed_task_queue: embeddingOptions.embed_task_queue,
    ...queueOptions,
  })
  .describe('Builds the search index of the vectors of a model anew, and publishes it in place of the one before.');

/** Input of the workflow `annotateDataset`. */
export const annotateDatasetInput = z
  .strictObject({
    dataset: datasetName,
    annotations: annotationSource.optional(),
    remove: annotationField
      .optional()
      .describe('The field that is removed from every sample, in place of reading any.'),
    ...queueOptions,
    webhooks,
  })
  .refine(({ annotations, remove }) => (annotations === undefined) !== (remove === undefined), {
    path: ['annotations'],
    message: 'must be given, or else remove: one of the two',
  })
  .meta(oneOfFields('annotations', 'remove'))
  .describe('Reads annotations into a dataset that is there, or removes a field of them. No vector is touched.');

const formatIs = (...formats: readonly string[]) => ({ properties: { format: { enum: formats } } });

/** The refinements of an export, in JSON Schema. */
export const EXPORT_RULES = {
  dependentSchemas: { task: formatIs('yolo'), vectors: formatIs('jsonl', ...VECTOR_FORMATS) },
};

/** Input of the workflow `exportDataset`. */
export const exportDatasetInput = z
  .strictObject({
    dataset: datasetName,
    target: path
      .regex(/^\/(?![\s\S]*(^|\/)\.{1,2}(\/|$))[\s\S]*[^/]/, 'must be an absolute path of a folder without . and ..')
      .describe(
        "Absolute path of the folder to write, on the indexing worker's machine. It is not there, is empty, or holds this export unfinished.",
      ),
    format: z.enum(EXPORT_FORMATS).describe('The format that is written.'),
    images: z
      .enum(EXPORT_IMAGES)
      .default('none')
      .describe('Whether image files stay where they are, are copied, or are linked to.'),
    field: annotationField.default(GROUND_TRUTH).describe('The field of annotations that is written.'),
    task: z
      .enum(ANNOTATION_TASKS)
      .optional()
      .describe('What lines of YOLO files say; found if the annotations are all of one kind.'),
    filter: searchFilter
      .omit({ status: true })
      .optional()
      .describe('Only samples that match every field. Only indexed ones are exported.'),
    vectors: z
      .string()
      .min(1)
      .max(4200)
      .optional()
      .describe(
        'The model whose vectors are written, by name or key. npy and parquet take the one that serves if left out; jsonl then has none.',
      ),
    ...queueOptions,
    webhooks,
  })
  .refine(({ task, format }) => task === undefined || format === 'yolo', {
    path: ['task'],
    message: 'is for the format yolo',
  })
  .refine(({ vectors, format }) => vectors === undefined || format === 'jsonl' || VECTOR_FORMATS.includes(format), {
    path: ['vectors'],
    message: 'is for the formats jsonl, npy and parquet',
  })
  .meta(EXPORT_RULES)
  .describe('Writes the samples of a dataset, with their annotations or vectors, to a folder.');

/** Schemas can't say that the case of letters is ignored. */
const VECTORS_FILE = /\.([nN][pP][yY]|[pP][aA][rR][qQ][uU][eE][tT]|[jJ][sS][oO][nN][lL]|[nN][dD][jJ][sS][oO][nN])$/;
const bySeq = { required: ['by_seq'], properties: { by_seq: { const: true } } };

/** The refinements of an import, in JSON Schema. */
export const IMPORT_RULES = {
  ...ifThen({ anyOf: [{ required: ['samples'] }, bySeq] }, { properties: { path: { pattern: '\\.[nN][pP][yY]$' } } }),
  dependentSchemas: { samples: { not: bySeq } },
};

/** Input of the workflow `importVectors`. */
export const importVectorsInput = z
  .strictObject({
    dataset: datasetName,
    path: path
      .regex(VECTORS_FILE, 'must end with .npy, .parquet or .jsonl')
      .describe("Absolute path of a .npy, .parquet or .jsonl file on the indexing worker's machine."),
    model_key: importedModelKey.describe('The key of the model that has made the vectors: name@revision.'),
    samples: path
      .optional()
      .describe(
        'Of a .npy file: absolute path of a JSON Lines file with a line for each row that names its sample. samples.jsonl beside it if left out.',
      ),
    by_seq: z
      .boolean()
      .default(false)
      .describe('Of a .npy file: its rows are all samples of the dataset, in the order of their numbers.'),
    embed_task_queue: embeddingOptions.embed_task_queue,
    ...queueOptions,
    webhooks,
  })
  .refine(({ path, samples, by_seq }) => /\.npy$/i.test(path) || (samples === undefined && !by_seq), {
    path: ['path'],
    message: 'must be a .npy file if samples or by_seq is given: rows of other files name their samples',
  })
  .refine(({ samples, by_seq }) => samples === undefined || !by_seq, {
    path: ['samples'],
    message: 'must be left out with by_seq',
  })
  .meta(IMPORT_RULES)
  .describe("Gives the samples of a dataset vectors of the caller's own, so that they can be searched.");

/** Input of the workflow `findDuplicates`. */
export const findDuplicatesInput = z
  .strictObject({
    dataset: datasetName,
    threshold: z
      .number()
      .min(0.5)
      .max(1)
      .default(0.97)
      .describe('The least cosine of the vectors of two near-duplicates.'),
    model: model
      .optional()
      .describe('The model whose vectors are compared, by name or key; the one that a search uses if left out.'),
    ...queueOptions,
    webhooks,
  })
  .describe('Finds groups of near-duplicates in a dataset by its vectors.');

/** Input of the workflow `dropModel`. */
export const dropModelInput = z
  .strictObject({
    dataset: datasetName,
    model_key: z.string().min(3).max(4200).describe('The key of the model whose vectors are removed: name@revision.'),
    model: model.describe("The model's name in embeddings of the dataset. It makes the Workflow ID."),
  })
  .describe("Removes a model's vectors from a dataset. The samples and the vectors of other models stay.");

/** Input of the workflow `scheduledLoad`. */
export const scheduledLoadInput = z
  .strictObject({ load: loadDatasetInput })
  .describe('Started by a schedule: runs loadDataset, unless a load of the dataset is running.');

/** Input of the update `cancel`. */
export const cancelInput = z
  .strictObject({
    reason: z.string().max(1000).optional().describe("For people; it becomes part of the job's record."),
  })
  .describe('Asks a job to end; it keeps what it has.');

export type CancelRequest = z.output<typeof cancelInput>;
export type LoadDatasetInput = z.output<typeof loadDatasetInput>;
export type LoadDatasetRequest = z.input<typeof loadDatasetInput>;
export type EmbedDatasetInput = z.output<typeof embedDatasetInput>;
export type EmbedDatasetRequest = z.input<typeof embedDatasetInput>;
export type RetryFailedInput = z.output<typeof retryFailedInput>;
export type RetryFailedRequest = z.input<typeof retryFailedInput>;
export type PruneDatasetRequest = z.input<typeof pruneDatasetInput>;
export type RelocateDatasetRequest = z.input<typeof relocateDatasetInput>;
export type ForgetSourceRequest = z.input<typeof forgetSourceInput>;
export type DeleteDatasetRequest = z.input<typeof deleteDatasetInput>;
export type IndexVectorsRequest = z.input<typeof indexVectorsInput>;
export type IndexVectorsInput = z.output<typeof indexVectorsInput>;
export type FindDuplicatesInput = z.output<typeof findDuplicatesInput>;
export type FindDuplicatesRequest = z.input<typeof findDuplicatesInput>;
export type AnnotateDatasetInput = z.output<typeof annotateDatasetInput>;
export type AnnotateDatasetRequest = z.input<typeof annotateDatasetInput>;
export type ExportDatasetInput = z.output<typeof exportDatasetInput>;
export type ExportDatasetRequest = z.input<typeof exportDatasetInput>;
export type ImportVectorsInput = z.output<typeof importVectorsInput>;
export type ImportVectorsRequest = z.input<typeof importVectorsInput>;
export type DropModelRequest = z.input<typeof dropModelInput>;
export type ScheduledLoadRequest = z.input<typeof scheduledLoadInput>;
