/** Workflows of the tests: Plimsoll's, and one that announces. */
import { CancellationScope, continueAsNew } from '@temporalio/workflow';
import type { JobStatus } from '../../contract/job.ts';
import type { Webhook } from '../../contract/options.ts';
import { announce } from '../../workflows/announce.ts';

export * from '../../workflows/index.ts';

/**
 * Announces in two runs, the second time in a scope that is canceled, and ends before anything can have been delivered.
 */
export async function announcing(webhooks: Webhook[], status: JobStatus, run = 1): Promise<void> {
  if (run === 1) {
    await announce(webhooks, 'dataset.browsable', status);
    await continueAsNew<typeof announcing>(webhooks, status, 2);
  }
  await announce(webhooks, 'dataset.browsable', status);
  const scope = new CancellationScope();
  scope.cancel();
  await scope.run(() => announce(webhooks, 'job.canceled', { ...status, state: 'canceled' }));
}
