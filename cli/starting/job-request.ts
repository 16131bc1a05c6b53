import { resolve } from 'node:path';
import { Temporal } from 'temporal-polyfill';
import type { EmbedDatasetRequest, LoadDatasetRequest } from '../../contract/inputs.ts';
import type { ChunkOptions } from '../../contract/options.ts';
import { isBelow, relativeTo } from '../../core/folders.ts';
import type { JobDefaults } from '../config/job-defaults.ts';
import { UsageError } from '../failure.ts';
import { annotationSourceOf } from './annotation-options.ts';
import type { JobOptions, StartCommandOptions } from './job-options.ts';
import type { LoadOptions } from './load-options.ts';
import { machineZone } from './machine-zone.ts';

/** The fields that the inputs of load, embed and retry share, from the command line. @throws UsageError */
export function jobRequestOf(options: Partial<JobOptions> & NowOptions): SharedRequest {
  const { model, embedQueue, priority, fairnessKey, fairnessWeight, embedAt, defaults = {} } = options;
  const embedWindow = options.embedWindow ?? defaults.embed_window;
  const time_zone = options.timeZone ?? machineZone();
  const webhooks = webhooksOf(options);
  return {
    ...defaults,
    ...(model === undefined ? {} : { model }),
    ...(options.switch === true ? { switch: true } : {}),
    ...(options.index === undefined ? {} : { index: options.index }),
    ...(embedQueue === undefined ? {} : { embed_task_queue: embedQueue }),
    ...(priority === undefined ? {} : { priority }),
    ...(fairnessKey === undefined ? {} : { fairness_key: fairnessKey }),
    ...(fairnessWeight === undefined ? {} : { fairness_weight: fairnessWeight }),
    ...(embedWindow === undefined ? {} : { embed_window: inZone(embedWindow, options.timeZone) }),
    ...(embedAt === undefined ? {} : { embed_at: embedInstantOf(embedAt, time_zone).toString() }),
    ...(webhooks.length === 0 ? {} : { webhooks }),
  };
}

/** A window in the zone of the command line, else in the file's, else in that of this machine. */
function inZone(window: NonNullable<SharedRequest['embed_window']>, timeZone: string | undefined) {
  return { ...window, time_zone: timeZone ?? window.time_zone ?? machineZone() };
}

/** Options of jobs that start now. */
type NowOptions = Pick<StartCommandOptions, 'embedAt' | 'switch' | 'index'>;
type SharedRequest = Omit<EmbedDatasetRequest, 'dataset'>;
type LoadDefaults = SharedRequest & Pick<JobDefaults, 'chunks'>;

/** The input of `loadDataset`, from the command line. Options that were left out keep the defaults. */
export function loadRequestOf(
  options: Partial<JobOptions> & LoadOptions & NowOptions & { dataset: string; source: string },
): LoadDatasetRequest {
  const { dataset, source, embed, media, artifact, artifactIndex, include, exclude, hidden, reread, maxFailedPercent } =
    options;
  const chunks = chunksOf(options);
  const annotations = annotationsOf(options);
  // All that the file says of chunks is joined with the command line in chunksOf.
  const { chunks: _, ...shared } = jobRequestOf(options) as LoadDefaults;
  return {
    ...shared,
    dataset,
    source,
    embed: embed ?? options.defaults?.embed ?? true,
    ...(media === undefined ? {} : { media }),
    ...(Object.keys(chunks).length === 0 ? {} : { chunks }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(artifact === undefined ? {} : { artifact: resolve(artifact) }),
    ...(artifactIndex === undefined ? {} : { artifact_index: resolve(artifactIndex) }),
    ...(include === undefined ? {} : { include: include.map((glob) => belowSource(glob, source)) }),
    ...(exclude === undefined ? {} : { exclude: exclude.map((glob) => belowSource(glob, source)) }),
    ...(hidden === undefined ? {} : { hidden }),
    ...(reread === undefined ? {} : { reread }),
    ...(maxFailedPercent === undefined ? {} : { max_failed_percent: maxFailedPercent }),
  };
}

/** The annotations of a load. @throws UsageError */
function annotationsOf(options: LoadOptions): LoadDatasetRequest['annotations'] {
  const { annotations = [] } = options;
  const { paths, ...how } = annotationSourceOf(annotations, options);
  if (annotations.includes('none')) {
    if (annotations.length > 1) throw new UsageError('--annotations none: name no other annotations beside it.');
    return 'none';
  }
  if (paths.length > 0) return { paths, ...how };
  const [option] = Object.keys(how);
  if (option === undefined) return undefined;
  throw new UsageError(
    '--annotation-format, --task, --field, --split and --columns say how --annotations are read: name them, too.',
  );
}

/**
 * How documents are cut: the command line over the file. The file's sizes do not fit another unit, and pictures are not
 * cut at all.
 */
function chunksOf({
  chunkSize,
  chunkOverlap,
  chunkUnit,
  media,
  defaults = {},
}: LoadOptions & JobOptions): ChunkOptions {
  const ofFile = defaults.chunks ?? {};
  const otherUnit = chunkUnit !== undefined && chunkUnit !== (ofFile.unit ?? 'tokens');
  return {
    ...(otherUnit || (media ?? defaults.media) === 'image' ? {} : ofFile),
    ...(chunkSize === undefined ? {} : { size: chunkSize }),
    ...(chunkOverlap === undefined ? {} : { overlap: chunkOverlap }),
    ...(chunkUnit === undefined ? {} : { unit: chunkUnit }),
  };
}

/** A pattern that was written as a path, as shells complete it, counted from the source. @throws UsageError */
function belowSource(glob: string, source: string): string {
  const isRelative = /^\.{1,2}\//.test(glob);
  const path = isRelative ? resolve(glob) + (glob.endsWith('/') ? '/' : '') : glob;
  if (isBelow(path, source)) return `/${relativeTo(source, path)}`;
  if (!isRelative) return glob;
  throw new UsageError(`"${glob}" is not below ${source}. Patterns count from the folder that is loaded.`);
}

/** @throws UsageError */
export function webhooksOf({ webhook = [], webhookSecret }: Partial<JobOptions>) {
  if (webhookSecret !== undefined && webhook.length === 0)
    throw new UsageError('--webhook-secret signs what is posted to a --webhook: add one, or leave it out.');
  return webhook.map((url) => ({ url, ...(webhookSecret === undefined ? {} : { secret: webhookSecret }) }));
}

/** Whether a time names an instant by itself: it ends with `Z` or an offset. */
export const isExactTime = (text: string): boolean => /(z|[+-]\d{2}:?\d{2})$/i.test(text.slice('2026-01-31'.length));

/** The instant of a time with `Z` or an offset, or of a local time in the zone. @throws UsageError */
export function embedInstantOf(text: string, zone = machineZone()): Temporal.Instant {
  try {
    return isExactTime(text)
      ? Temporal.Instant.from(text)
      : Temporal.PlainDateTime.from(text).toZonedDateTime(zone).toInstant();
  } catch {
    throw new UsageError(
      `--embed-at: "${text}" is not a time. Write 2026-01-31T22:00 for the time in ${zone}, or add an offset: 2026-01-31T22:00:00Z.`,
    );
  }
}
