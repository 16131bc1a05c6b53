import { Temporal } from 'temporal-polyfill';
import type { EmbedDatasetRequest, LoadDatasetRequest } from '../contract/inputs.ts';
import { machineZone } from './arguments.ts';
import { UsageError } from './failure.ts';
import type { JobOptions } from './job-options.ts';

/** The fields that inputs of load, embed and retry share, for what the command line asks. @throws UsageError */
export function jobRequestOf(options: Partial<JobOptions> & { embedAt?: string }): SharedRequest {
  const { model, embedQueue, priority, fairnessKey, fairnessWeight, embedWindow, embedAt } = options;
  const time_zone = options.timeZone ?? machineZone();
  const webhooks = webhooksOf(options);
  return {
    ...(model === undefined ? {} : { model }),
    ...(embedQueue === undefined ? {} : { embed_task_queue: embedQueue }),
    ...(priority === undefined ? {} : { priority }),
    ...(fairnessKey === undefined ? {} : { fairness_key: fairnessKey }),
    ...(fairnessWeight === undefined ? {} : { fairness_weight: fairnessWeight }),
    ...(embedWindow === undefined ? {} : { embed_window: { ...embedWindow, time_zone } }),
    ...(embedAt === undefined ? {} : { embed_at: embedInstantOf(embedAt, time_zone).toString() }),
    ...(webhooks.length === 0 ? {} : { webhooks }),
  };
}

type SharedRequest = Omit<EmbedDatasetRequest, 'dataset'>;

/** The input of `loadDataset` for what the command line asks; what it leaves out keeps the contract's defaults. */
export function requestOf(
  options: Partial<JobOptions> & {
    dataset: string;
    source: string;
    embed: boolean;
    maxFailedPercent?: number;
    embedAt?: string;
  },
): LoadDatasetRequest {
  const { dataset, source, embed, maxFailedPercent } = options;
  return {
    dataset,
    source,
    embed,
    ...(maxFailedPercent === undefined ? {} : { max_failed_percent: maxFailedPercent }),
    ...jobRequestOf(options),
  };
}

function webhooksOf({ webhook = [], webhookSecret }: Partial<JobOptions>) {
  if (webhookSecret !== undefined && webhook.length === 0)
    throw new UsageError('--webhook-secret needs a --webhook, which it signs.');
  return webhook.map((url) => ({ url, ...(webhookSecret === undefined ? {} : { secret: webhookSecret }) }));
}

/** Whether a time says by itself which instant it is: it ends with `Z` or an offset. */
export const isExactTime = (text: string): boolean => /(z|[+-]\d{2}:?\d{2})$/i.test(text.slice('2026-01-31'.length));

/** A time with `Z` or an offset, or one on the clocks of the zone. @throws UsageError */
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
