import { Temporal } from 'temporal-polyfill';
import { isMachineZoneKnown } from './arguments.ts';
import { UsageError } from './failure.ts';
import type { JobOptions } from './job-options.ts';
import { embedInstantOf, isExactTime } from './load-request.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';

/** Options of load, embed, retry and schedule create that have to do with each other. */
type CheckedOptions = Pick<JobOptions, 'embedWindow' | 'timeZone' | 'webhook'> & {
  embed?: boolean;
  embedAt?: string;
  cron?: string;
  every?: number;
};

/**
 * Refuses options that contradict each other or do nothing, and notes what can hardly be meant.
 *
 * @throws UsageError
 */
export async function checkJobOptions(options: CheckedOptions, { note }: Pick<Output, 'note'>): Promise<void> {
  refuseContradictions(options);
  const { embedWindow, embedAt, timeZone, cron, webhook = [] } = options;
  const needsZone = embedWindow !== undefined || cron !== undefined || (embedAt !== undefined && !isExactTime(embedAt));
  if (needsZone && timeZone === undefined && !isMachineZoneKnown()) {
    note(
      'note: the time zone of this machine is not known (TZ is empty or wrong), so times are in UTC; --time-zone names another.',
    );
  }
  if (embedAt !== undefined) {
    const isPast = Temporal.Instant.compare(embedInstantOf(embedAt, timeZone), Temporal.Now.instant()) < 0;
    if (isPast) note(`note: --embed-at ${embedAt} is past: embeds at once.`);
  }
  if (webhook.length > 0) await noteRefusedTargets(webhook, note);
}

function refuseContradictions({ embed, embedAt, embedWindow, timeZone, cron, every }: CheckedOptions): void {
  const when = embedAt !== undefined ? '--embed-at' : embedWindow !== undefined ? '--embed-window' : undefined;
  if (embed === false && when !== undefined) {
    throw new UsageError(
      `--no-embed and ${when} contradict each other: it would embed nothing. Leave one of them out.`,
    );
  }
  if (timeZone === undefined || when !== undefined || cron !== undefined) return;
  throw new UsageError(
    every === undefined
      ? '--time-zone is that of a time, and there is none: give one, as with --embed-window, or leave it out.'
      : '--time-zone is that of --cron and --embed-window: --every counts from midnight UTC. Give a --cron, or leave it out.',
  );
}

/**
 * Only the workers know what they may post to, so this is no refusal. Their setting counts where this machine has it, too.
 */
async function noteRefusedTargets(urls: readonly string[], note: (line: string) => void): Promise<void> {
  const [{ webhooksFromEnvironment }, { checkTarget, targetOf, WebhookTargetRefused }] = await Promise.all([
    import('../core/webhooks/config.ts'),
    import('../core/webhooks/target.ts'),
  ]);
  const { allow } = webhooksFromEnvironment();
  for (const url of urls) {
    try {
      checkTarget(allow, targetOf(url));
    } catch (error) {
      if (!(error instanceof WebhookTargetRefused)) throw error;
      const { address, why, allow } = error;
      note(`note: ${printable(address)} ${why}; the job works only if its worker allows it (${allow}).`);
    }
  }
}
