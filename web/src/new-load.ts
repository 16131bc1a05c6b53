import type { AnnotationFormatName, AnnotationTask } from './api/shapes.ts';
import { fileName } from './words.ts';

/** The values of the form for a new load. */
export interface LoadForm {
  source: string;
  dataset: string;
  /** `image` or `text`; empty if the folder tells. */
  media: string;
  chunk_size: string;
  chunk_overlap: string;
  /** `tokens` or `characters`; empty for the default. */
  chunk_unit: string;
  embed: boolean;
  model: string;
  /** One pattern per line. */
  include: string;
  /** One pattern per line. */
  exclude: string;
  /** Files and folders of annotations, one per line. Empty: what the folder has. */
  annotations: string;
  /** True to leave out what the folder has. */
  no_annotations: boolean;
  annotation_format: string;
  annotation_task: string;
  annotation_field: string;
  annotation_split: string;
  hidden: boolean;
  reread: boolean;
  max_failed_percent: string;
  priority: string;
  embed_at: string;
  window_start: string;
  window_end: string;
  window_days: string[];
  window_zone: string;
  /** One URL per line. */
  webhooks: string;
}

export const DAYS = [
  ['mon', 'Mon'],
  ['tue', 'Tue'],
  ['wed', 'Wed'],
  ['thu', 'Thu'],
  ['fri', 'Fri'],
  ['sat', 'Sat'],
  ['sun', 'Sun'],
] as const;

/** The formats of annotations, and the tasks of a YOLO file, under the names of the API and for people. */
export const ANNOTATION_FORMATS: readonly (readonly [AnnotationFormatName, string])[] = [
  ['coco', 'COCO'],
  ['yolo', 'YOLO'],
  ['voc', 'Pascal VOC'],
  ['folders', 'A folder per class'],
  ['huggingface', 'Hugging Face metadata'],
  ['csv', 'CSV'],
  ['jsonl', 'JSONL'],
  ['labelme', 'Labelme'],
  ['labelstudio', 'Label Studio'],
  ['cvat', 'CVAT'],
];
export const ANNOTATION_TASKS: readonly (readonly [AnnotationTask, string])[] = [
  ['detect', 'Boxes'],
  ['segment', 'Polygons'],
  ['pose', 'Keypoints'],
  ['obb', 'Oriented boxes'],
  ['classify', 'Classes'],
];

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const emptyForm = (): LoadForm => ({
  source: '',
  dataset: '',
  media: '',
  chunk_size: '',
  chunk_overlap: '',
  chunk_unit: '',
  embed: true,
  model: '',
  include: '',
  exclude: '',
  annotations: '',
  no_annotations: false,
  annotation_format: '',
  annotation_task: '',
  annotation_field: '',
  annotation_split: '',
  hidden: false,
  reread: false,
  max_failed_percent: '',
  priority: '',
  embed_at: '',
  window_start: '',
  window_end: '',
  window_days: [],
  window_zone: ownZone(),
  webhooks: '',
});

/** Explains a local time with its time zone and in UTC: `2030-07-01T10:00` in Zurich is 08:00 UTC. */
export function embedAtWords(local: string, zone: string): string {
  const at = new Date(local);
  if (local === '' || Number.isNaN(at.getTime())) return `In your own time zone, ${zone}.`;
  return `In your own time zone, ${zone}: ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC.`;
}

/** Suggests a dataset name from its folder's name. Characters that a name can't have become dashes. */
export function datasetNameOf(source: string): string {
  return fileName(source.replace(/\/+$/, ''))
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[-._]+$/g, '')
    .slice(0, 63);
}

/** Fields that are always visible, so that their problems appear beside them without opening the options. */
export const isSimple = (field: string) => ['source', 'dataset', 'media', 'model'].includes(field);
/** Whether the form shows the problem of a request field beside that field. */
export const isPlaced = (field: string) =>
  isSimple(field) ||
  /^(include|exclude|chunks|annotations|max_failed_percent|priority|embed_at|embed_window|webhooks)/.test(field);

/** The problem of a field or of one of its parts. */
export const problemIn = (problems: Readonly<Record<string, string>>, field: string): string =>
  Object.entries(problems).find(([name]) => name === field || name.startsWith(`${field}.`))?.[1] ?? '';

const lines = (text: string) => text.split('\n').flatMap((line) => line.trim() || []);

function patternsOf(form: LoadForm): Record<string, string[]> {
  const [include, exclude] = [lines(form.include), lines(form.exclude)];
  return { ...(include.length === 0 ? {} : { include }), ...(exclude.length === 0 ? {} : { exclude }) };
}

/** How documents are cut, as far as the form says. Pictures are not. */
function chunksOf({ media, chunk_size, chunk_overlap, chunk_unit }: LoadForm): Record<string, unknown> {
  const chunks = {
    ...(chunk_size === '' ? {} : { size: Number(chunk_size) }),
    ...(chunk_overlap === '' ? {} : { overlap: Number(chunk_overlap) }),
    ...(chunk_unit === '' ? {} : { unit: chunk_unit }),
  };
  return media === 'image' || Object.keys(chunks).length === 0 ? {} : { chunks };
}

/** The annotations that are loaded with the images, as far as the form says. */
function annotationsOf(form: LoadForm): Record<string, unknown> {
  const paths = lines(form.annotations);
  if (form.media === 'text') return {};
  if (paths.length === 0) return form.no_annotations ? { annotations: 'none' } : {};
  const { annotation_format: format, annotation_task: task } = form;
  const [field, split] = [form.annotation_field.trim(), form.annotation_split.trim()];
  return {
    annotations: {
      paths,
      ...(format === '' ? {} : { format }),
      ...(task === '' ? {} : { task }),
      ...(field === '' ? {} : { field }),
      ...(split === '' ? {} : { split }),
    },
  };
}

/** The request body. Empty fields are omitted, so that the server's defaults apply. */
export function bodyOf(form: LoadForm): Record<string, unknown> {
  const webhooks = form.webhooks.split(/\s+/).filter((url) => url !== '');
  const hasWindow = form.embed && (form.window_start !== '' || form.window_end !== '');
  return {
    source: form.source.trim().replace(/(.)\/+$/, '$1'),
    dataset: form.dataset.trim(),
    ...(form.embed ? {} : { embed: false }),
    ...(form.embed && form.model !== '' ? { model: form.model } : {}),
    ...(form.media === '' ? {} : { media: form.media }),
    ...chunksOf(form),
    ...patternsOf(form),
    ...annotationsOf(form),
    ...(form.hidden ? { hidden: true } : {}),
    ...(form.reread ? { reread: true } : {}),
    ...(form.max_failed_percent === '' ? {} : { max_failed_percent: Number(form.max_failed_percent) }),
    ...(form.priority === '' ? {} : { priority: Number(form.priority) }),
    ...(form.embed && form.embed_at !== '' ? { embed_at: new Date(form.embed_at).toISOString() } : {}),
    ...(hasWindow
      ? {
          embed_window: {
            start: form.window_start,
            end: form.window_end,
            ...(form.window_days.length === 0 || form.window_days.length === 7 ? {} : { days: form.window_days }),
            time_zone: form.window_zone.trim(),
          },
        }
      : {}),
    ...(webhooks.length === 0 ? {} : { webhooks: webhooks.map((url) => ({ url })) }),
  };
}
