import { bodyOf, emptyForm, type LoadForm, ownZone } from './new-load.ts';

/** A load's request as the API gives it: of the same shape as one that is sent, with all defaults. */
interface LoadRequest extends Record<string, unknown> {
  annotations?: 'none' | { paths: string[]; format?: string; task?: string; field?: string; split?: string };
  chunks?: { size?: number; overlap?: number; unit?: string };
  embed_window?: { start: string; end: string; days?: string[]; time_zone?: string };
  webhooks?: { url: string }[];
}

/** Fields of a request that the form shows. */
const SHOWN = [
  'source',
  'dataset',
  'media',
  'embed',
  'model',
  'chunks',
  'include',
  'exclude',
  'annotations',
  'hidden',
  'reread',
  'max_failed_percent',
  'priority',
  'embed_window',
  'webhooks',
];

/** A time that has passed, and what only the first load is asked for. */
const ONCE = ['embed_at', 'artifact', 'artifact_index'];

/** The form for a load's request. The time at which its embedding was to begin has passed, so it is left out. */
export function formOf(request: Record<string, unknown>): LoadForm {
  const { annotations, chunks, embed_window: hours, webhooks = [] } = request as LoadRequest;
  const text = (value: unknown) => (value === undefined || value === null ? '' : String(value));
  const lines = (value: unknown) => (Array.isArray(value) ? value.join('\n') : '');
  const read = typeof annotations === 'object' ? annotations : { paths: [] };
  return {
    ...emptyForm(),
    source: text(request.source),
    dataset: text(request.dataset),
    media: text(request.media),
    chunk_size: text(chunks?.size),
    chunk_overlap: text(chunks?.overlap),
    chunk_unit: chunks?.unit === 'characters' ? 'characters' : '',
    embed: request.embed !== false,
    model: request.embed === false ? '' : text(request.model),
    include: lines(request.include),
    exclude: lines(request.exclude),
    annotations: read.paths.join('\n'),
    no_annotations: annotations === 'none',
    annotation_format: text(read.format),
    annotation_task: text(read.task),
    annotation_field: text(read.field),
    annotation_split: text(read.split),
    hidden: request.hidden === true,
    reread: request.reread === true,
    max_failed_percent: request.max_failed_percent === 100 ? '' : text(request.max_failed_percent),
    priority: request.priority === 3 ? '' : text(request.priority),
    window_start: text(hours?.start),
    window_end: text(hours?.end),
    window_days: [...(hours?.days ?? [])],
    window_zone: hours?.time_zone ?? ownZone(),
    webhooks: webhooks.map(({ url }) => url).join('\n'),
  };
}

/**
 * The body that makes a request again as the form says. What the form does not show is sent as it was: secrets and events
 * of webhooks, and how annotations are matched, too.
 */
export function bodyAgain(before: Record<string, unknown>, form: LoadForm): Record<string, unknown> {
  const beyond = Object.entries(before).filter(([name]) => ![...SHOWN, ...ONCE].includes(name));
  const body: LoadRequest = bodyOf(form);
  const { annotations, webhooks = [] } = before as LoadRequest;
  if (typeof body.annotations === 'object' && typeof annotations === 'object') {
    const { paths, format, task, field, split, ...rest } = annotations;
    body.annotations = { ...rest, ...body.annotations };
  }
  if (body.webhooks !== undefined)
    body.webhooks = body.webhooks.map(({ url }) => webhooks.find((each) => each.url === url) ?? { url });
  return { ...Object.fromEntries(beyond), ...body };
}
