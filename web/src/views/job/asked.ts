import type { Job } from '../../api/shapes.ts';

const TITLES: Readonly<Record<string, string>> = {
  source: 'Source',
  from: 'Moved from',
  to: 'Moved to',
  model: 'Model',
  threshold: 'Cosine of at least',
  kind: 'Search index',
  switch: 'When complete',
  annotations: 'Annotations',
  include: 'Takes only',
  exclude: 'Leaves out',
  hidden: 'Hidden files',
  reread: 'Unchanged files',
  max_failed_percent: 'Stops above',
  priority: 'Priority',
  fairness_key: 'Fairness key',
  fairness_weight: 'Fairness weight',
  embed_at: 'Start embedding at',
  embed_window: 'Embed within',
  embed_task_queue: 'Embedding queue',
  webhooks: 'Webhooks',
};

interface Window {
  start: string;
  end: string;
  days?: string[];
  time_zone?: string;
}

/** A job's request as titles and words. Options without a value are left out. */
export function askedOf({ request }: Pick<Job, 'request'>): [title: string, words: string][] {
  return Object.entries(TITLES).flatMap(([name, title]) => {
    const value = request[name];
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return [];
    const words = name === 'model' && request.embed === false ? 'none, index only' : wordsOf(name, value);
    return words === '' ? [] : [[title, words] as [string, string]];
  });
}

function wordsOf(name: string, value: unknown): string {
  switch (name) {
    case 'annotations':
      return value === 'none' ? 'none' : ((value as { paths?: string[] }).paths ?? []).join(', ');
    case 'include':
    case 'exclude':
      return (value as string[]).join(', ');
    case 'switch':
      return value === true ? 'serves searches' : '';
    case 'hidden':
      return value === true ? 'taken' : '';
    case 'reread':
      return value === true ? 'read again' : '';
    case 'max_failed_percent':
      return value === 100 ? '' : `${value} % failed`;
    case 'embed_window': {
      const { start, end, time_zone, days } = value as Window;
      return `${start}–${end}${time_zone ? ` ${time_zone}` : ''}${days ? `, ${days.join(' ')}` : ''}`;
    }
    case 'webhooks':
      return (value as { url: string }[]).map(({ url }) => url).join(', ');
    default:
      return String(value);
  }
}
