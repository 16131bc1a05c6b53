import { allHandlersFinished, condition, workflowInfo } from '@temporalio/workflow';
import type { Capabilities } from '../activities/capabilities.ts';
import type { LoadDatasetInput, RetryFailedInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { announce } from './announce.ts';
import { createEmbeddingPhase } from './embedding-phase.ts';
import { type JobTracker, trackJob } from './job-tracker.ts';
import { acceptOperations } from './operate.ts';
import { type IndexingCursor, type IndexingSteps, runIndexing } from './run-indexing.ts';
import { runJob } from './run-job.ts';

/** The parts in which a load and a retry differ. */
export interface LoadRun {
  kind: 'load' | 'retry';
  input: LoadDatasetInput | RetryFailedInput;
  /** The position from which a run that continues as new resumes the listing. */
  resume: IndexingCursor | undefined;
  /** Records the job and checks its input. */
  begin(job: JobTracker): Promise<{ capabilities: Capabilities; steps: IndexingSteps }>;
  /** Called once the first phase is over. False skips the second phase; omitted means true. */
  needsEmbedding?(): boolean;
  continueAsNew(cursor: IndexingCursor): Promise<never>;
}

/**
 * Runs the lifecycle that a load and a retry share: index, then embed. The job can be paused, resumed and canceled at
 * any time, and its end is always recorded. load-dataset.ts begins with a map of the steps.
 */
export async function runLoad(run: LoadRun): Promise<JobStatus> {
  const { kind, input, resume, begin, continueAsNew } = run;
  const cursor = resume ?? firstCursor();
  const startedAt = new Date(cursor.started_at);
  const job = trackJob({ kind, dataset: input.dataset, request: input, embeds: input.embed, startedAt });
  if (cursor.paused_at !== undefined) job.pause(new Date(cursor.paused_at));
  const embedding = createEmbeddingPhase(job, input);
  const operations = acceptOperations(job, embedding.setPaused);
  return runJob({ job, onRecord: true, operations, webhooks: input.webhooks }, async () => {
    const { capabilities, steps } = await begin(job);
    operations.recorded();
    if (capabilities.search_attributes) job.useSearchAttributes();
    const next = await runIndexing(steps, job, cursor);
    if (next !== undefined) {
      await condition(allHandlersFinished);
      const { paused_at } = job.status();
      const { waited_ms = 0 } = job.phase('indexing');
      return await continueAsNew({ ...next, waited_ms, ...(paused_at === null ? {} : { paused_at }) });
    }
    await announce(input.webhooks, 'dataset.browsable', job.status());
    const embeds = input.embed && run.needsEmbedding?.() !== false;
    if (embeds) await embedding.run(input.embed_task_queue ?? capabilities.embed_task_queue, kind === 'retry');
    return { ready: embeds };
  });
}

const firstCursor = (): IndexingCursor => ({
  started_at: workflowInfo().runStartTime.toISOString(),
  next: 0,
  done: 0,
  failed: 0,
  total: 0,
});
