/** What callers say about annotations, and what they are told. */
import { z } from 'zod';

/** The formats that are read. */
export const ANNOTATION_FORMATS = [
  'coco',
  'yolo',
  'voc',
  'folders',
  'huggingface',
  'csv',
  'jsonl',
  'labelme',
  'labelstudio',
  'cvat',
] as const;
export type AnnotationFormatName = (typeof ANNOTATION_FORMATS)[number];

/** What a line of a YOLO file means: its numbers alone don't tell. */
export const ANNOTATION_TASKS = ['detect', 'segment', 'pose', 'obb', 'classify'] as const;
export type AnnotationTask = (typeof ANNOTATION_TASKS)[number];

/** The field that annotations go to if none is named. */
export const GROUND_TRUTH = 'ground_truth';

/** The name of a field of annotations. It holds no colon, which ends it in the keys of classes. */
export const annotationField = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'must begin with a-z, go on with a-z, 0-9 or "_", and have 63 characters at most');

/** The name of a split. */
export const splitName = z
  .string()
  .min(1)
  .max(100)
  .refine((name) => !/\p{Cc}/u.test(name), 'must hold no control characters');

const annotationPath = z
  .string()
  .min(1)
  .max(4096)
  .refine((name) => !name.includes('\0'), 'must hold no NUL');

const columnName = z.string().min(1).max(200);

/** Where annotations are, and how they are read. */
export const annotationSource = z.strictObject({
  paths: z
    .array(annotationPath)
    .min(1)
    .max(100)
    .describe("Absolute paths of files or folders on the indexing worker's machine. All go to the same field."),
  format: z.enum(ANNOTATION_FORMATS).optional().describe('Found from the files if left out.'),
  task: z
    .enum(ANNOTATION_TASKS)
    .optional()
    .describe('What lines of YOLO files mean, where they may mean several things.'),
  field: annotationField
    .default(GROUND_TRUTH)
    .describe('The field that they go to. Ground truth and predictions stand side by side in two fields.'),
  split: splitName.optional().describe('The split of every sample that is named, in place of what the format says.'),
  columns: z
    .record(columnName, columnName)
    .optional()
    .describe('Which column of a table is what, as in {"image": "path", "label": "class"}.'),
  replace: z
    .boolean()
    .default(false)
    .describe('Removes the field from every sample that is not named. Else only what the same paths gave before goes.'),
});

export const annotationsOption = z
  .union([z.literal('none'), annotationSource])
  .optional()
  .describe(
    'Annotations of the images. Left out, what certainly is one in the folder is read: data.yaml, metadata.jsonl or .csv, Annotations/*.xml, _annotations.coco.json. none reads none.',
  );

export type AnnotationSource = z.output<typeof annotationSource>;

/** `failed`: what was found beside the images can't be read. The load goes on without. */
export const ANNOTATION_STATES = ['reading', 'applying', 'completed', 'failed'] as const;

/** How the annotations of a job stand. */
export interface AnnotationsStatus {
  state: (typeof ANNOTATION_STATES)[number];
  /** Why they failed. */
  error?: { code: string; message: string };
  field: string;
  /** What is read. `found` is true if nobody named it. */
  paths: { path: string; format: AnnotationFormatName }[];
  found: boolean;
  /** Bytes and objects that were read so far. */
  bytes: number;
  objects: number;
  /** Samples that have annotations of these paths now. The other counts are about what this job has done. */
  matched: number;
  changed: number;
  removed: number;
  /** Samples of the dataset that could be read and are named by no path. 0 until all are applied. */
  without_annotations: number;
  /** Images that the paths name and the dataset does not have. At most 100 are named. */
  without_sample: number;
  without_sample_names: string[];
  /** Objects that reached out of their picture and were cut at its edge. */
  clipped: number;
  /** Objects that lie outside of their picture, and were left out. */
  outside: number;
  /** What could not be read, by reason. At most 100 are named. */
  invalid: Record<string, number>;
  invalid_named: { reason: string; file: string; line?: number; message: string }[];
}
