import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { IndexActivities } from '../activities/index-activities.ts';
import type { LoadStatus } from '../core/loads/status.ts';
import type { WaitReason } from '../core/store/documents.ts';
import { shortIndexWork } from './activity-options.ts';
import {
  EMBED_TASK_QUEUE,
  embedWorkflowId,
  type LoadDatasetInput,
  type LoadDatasetRequest,
  loadDatasetInput,
} from './contract.ts';
import type { embedDataset } from './embed-dataset.ts';
import { recordedErrorOf, toFailure } from './failures.ts';
import { type JobStatus, trackJob } from './job-status.ts';
import { embeddingProgress } from './messages.ts';
import { parseInput } from './parse-input.ts';
import { type IndexingCursor, runIndexing } from './run-indexing.ts';

const { beginLoad, noteWaiting, endLoad } = proxyActivities<IndexActivities>(shortIndexWork);

/**
 * Loads a folder into a dataset. Phase 1 indexes it: the dataset can be browsed from the first page on. Phase 2, the child
 * workflow embedDataset, embeds it in the background. Fails with a non-retryable ApplicationFailure whose type is stable:
 * InvalidInput, SourceNotFound, SourceNotAFolder, SourceUnreadable, SourceEmpty, TooManyFailed, and those of embedDataset.
 *
 * @param resume set by the workflow itself when it continues as new
 */
export async function loadDataset(request: LoadDatasetRequest, resume?: IndexingCursor): Promise<LoadStatus> {
  const input = parseInput(loadDatasetInput, request);
  const cursor = resume ?? firstCursor();
  const startedAt = new Date(cursor.started_at);
  const job = trackJob({ kind: 'load', dataset: input.dataset, request: input, embeds: input.embed, startedAt });
  setHandler(embeddingProgress, (report) => {
    const started_at = job.phase('embedding').started_at ?? new Date();
    job.update('embedding', { ...report, state: 'running', total_known: true, started_at });
  });
  try {
    const begun = await beginLoad({ load_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    const next = await runIndexing({ ...input, source: begun.source }, job, cursor);
    if (next !== undefined) return await continueAsNew<typeof loadDataset>(request, next);
    if (input.embed) await embed(input, job);
    await endLoad({ load_id: job.jobId, state: 'completed' });
    job.end('completed');
    return job.status();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failure = toFailure(error);
    const state = isCancellation(failure) ? 'canceled' : 'failed';
    const recorded = recordedErrorOf(failure);
    await CancellationScope.nonCancellable(() => endLoad({ load_id: job.jobId, state, error: recorded }));
    job.end(state, recorded);
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

/** Short enough to go on soon, long enough that a month of waiting does not fill a history. */
const LONGEST_PAUSE_SECONDS = 15 * 60;

/** Runs the child. Where this dataset and model are being embedded by another job, waits for that one first. */
async function embed(input: LoadDatasetInput, job: JobStatus): Promise<void> {
  const { dataset, model, embed_task_queue = EMBED_TASK_QUEUE } = input;
  const waits = (reason: WaitReason) => {
    const waiting_for = { reason, task_queue: embed_task_queue, since: new Date() };
    job.update('embedding', { state: 'waiting', waiting_for });
  };
  for (let waitSeconds = 1; ; waitSeconds = Math.min(waitSeconds * 2, LONGEST_PAUSE_SECONDS)) {
    try {
      const child = await startChild<typeof embedDataset>('embedDataset', {
        workflowId: embedWorkflowId(dataset, model),
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        args: [{ dataset, model, embed_task_queue, load_id: job.jobId }],
      });
      waits('worker');
      const status = await child.result();
      const { done, failed, total } = status.phases.embedding;
      job.update('embedding', { state: 'completed', done, failed, total, total_known: true, finished_at: new Date() });
      return;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (job.phase('embedding').waiting_for === undefined) {
        waits('other_job');
        await noteWaiting({ load_id: job.jobId, reason: 'other_job', task_queue: embed_task_queue });
      }
      await sleep(waitSeconds * 1000);
    }
  }
}
