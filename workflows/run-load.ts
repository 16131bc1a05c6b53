import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Capabilities, IndexActivities } from '../activities/index-activities.ts';
import type { LoadStatus } from '../core/loads/status.ts';
import { shortIndexWork } from './activity-options.ts';
import { announce } from './announce.ts';
import type { LoadDatasetInput, RetryFailedInput } from './contract.ts';
import { createEmbeddingPhase } from './embedding-phase.ts';
import { recordedErrorOf, toFailure } from './failures.ts';
import { type JobStatus, trackJob } from './job-status.ts';
import { acceptOperations } from './operate.ts';
import { type IndexingCursor, type IndexingSteps, runIndexing } from './run-indexing.ts';

const { endLoad } = proxyActivities<IndexActivities>(shortIndexWork);

/** What tells one kind of load from another. */
export interface LoadRun {
  kind: 'load' | 'retry';
  input: LoadDatasetInput | RetryFailedInput;
  /** Where a run that continues as new takes up the listing. */
  resume: IndexingCursor | undefined;
  /** Records the load, and checks what it was given. */
  begin(job: JobStatus): Promise<{ capabilities: Capabilities; steps: IndexingSteps }>;
  /** Asked once the first phase is over: whether there is anything for the second. There is if left out. */
  needsEmbedding?(): boolean;
  continueAsNew(cursor: IndexingCursor): Promise<never>;
}

/** The life of a load: index, then embed; paused, resumed and canceled at any moment; ended on record, whatever happens. */
export async function runLoad(run: LoadRun): Promise<LoadStatus> {
  const { kind, input, resume, begin, continueAsNew } = run;
  const cursor = resume ?? firstCursor();
  const startedAt = new Date(cursor.started_at);
  const job = trackJob({ kind, dataset: input.dataset, request: input, embeds: input.embed, startedAt });
  if (cursor.paused_at !== undefined) job.pause(new Date(cursor.paused_at));
  const embedding = createEmbeddingPhase(job, input);
  const operations = acceptOperations(job, embedding.setPaused);
  try {
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
    await operations.close();
    await endLoad({ load_id: job.jobId, state: 'completed' });
    job.end('completed');
    if (embeds) await announce(input.webhooks, 'dataset.ready', job.status());
    return job.status();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failure = toFailure(error);
    const state = isCancellation(failure) ? 'canceled' : 'failed';
    const recorded = recordedErrorOf(failure, operations.cancelReason());
    await operations.close();
    await CancellationScope.nonCancellable(() => endLoad({ load_id: job.jobId, state, error: recorded }));
    job.end(state, recorded);
    await announce(input.webhooks, `load.${state}`, job.status());
    throw failure;
  }
}

const firstCursor = (): IndexingCursor => ({
  started_at: workflowInfo().runStartTime.toISOString(),
  next: 0,
  done: 0,
  failed: 0,
  total: 0,
});
