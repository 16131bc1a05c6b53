import { Temporal } from 'temporal-polyfill';
import { UsageError } from '../failure.ts';
import type { Output } from '../output.ts';
import type { JobOptions } from './job-options.ts';
import { embedInstantOf, isExactTime } from './job-request.ts';
import { isMachineZoneKnown } from './machine-zone.ts';

/** Options of load, embed, retry and schedule create that depend on each other. */
type CheckedOptions = Pick<JobOptions, 'embedWindow' | 'timeZone' | 'defaults'> & {
  embed?: boolean;
  embedAt?: string;
  switch?: boolean;
  index?: string;
  cron?: string;
  every?: number;
};

/**
 * Refuses options that contradict each other or have no effect, and notes those that are hardly meant.
 *
 * @throws UsageError
 */
export function checkJobOptions(options: CheckedOptions, { note }: Pick<Output, 'note'>): void {
  refuseContradictions(options);
  const { embedAt, cron, defaults = {} } = options;
  const timeZone = options.timeZone ?? (cron === undefined ? defaults.embed_window?.time_zone : undefined);
  const needsZone = hasWindow(options) || cron !== undefined || (embedAt !== undefined && !isExactTime(embedAt));
  if (needsZone && timeZone === undefined && !isMachineZoneKnown()) {
    note(
      'note: the time zone of this machine is unknown (TZ is empty or wrong), so times are in UTC. To use another: --time-zone ZONE',
    );
  }
  if (embedAt !== undefined) {
    const isPast = Temporal.Instant.compare(embedInstantOf(embedAt, timeZone), Temporal.Now.instant()) < 0;
    if (isPast) note(`note: --embed-at ${embedAt} is in the past: embedding starts at once.`);
  }
}

const hasWindow = ({ embedWindow, defaults }: CheckedOptions) =>
  embedWindow !== undefined || defaults?.embed_window !== undefined;

function refuseContradictions(options: CheckedOptions): void {
  const { embedAt, embedWindow, timeZone, cron, every, defaults } = options;
  const when = embedAt !== undefined ? '--embed-at' : embedWindow !== undefined ? '--embed-window' : undefined;
  const followUp = options.switch === true ? '--switch' : options.index === undefined ? undefined : '--index';
  const embedding = when ?? followUp;
  if (options.embed === false && embedding !== undefined) {
    throw new UsageError(`--no-embed and ${embedding} contradict each other. Leave one of them out.`);
  }
  if (options.embed === undefined && defaults?.embed === false && embedding !== undefined) {
    throw new UsageError(
      `${embedding} has no effect: plimsoll.toml turns embedding off. Add --embed, or leave it out.`,
    );
  }
  if (timeZone === undefined || embedAt !== undefined || hasWindow(options) || cron !== undefined) return;
  throw new UsageError(
    every === undefined
      ? '--time-zone has no effect without a time, such as --embed-window. Add one, or leave it out.'
      : '--time-zone is for --cron and --embed-window; --every counts from midnight UTC. Use --cron, or leave it out.',
  );
}
