/**
 * A load, step by step. `runLoad` runs the steps in this order; `retryFailed` runs the same steps over the files that
 * failed.
 *
 * Temporal's history owns the position. When a worker dies in a workflow, another worker replays the history. When a
 * worker dies in an activity, Temporal starts another attempt. "Died" says what that attempt finds; every step can be
 * repeated. The collection in parentheses owns what the step wrote.
 *
 *  1. Record (`jobs`). `beginLoad` writes the job's record first, so a load that fails at once is on record.
 *     Died: writing the record again changes nothing.
 *  2. Check the source (`datasets`). `beginLoad` checks options and source, notes the disk, and opens the dataset.
 *     Died: it checks again; opening the dataset again changes nothing.
 *  3. List pages (`pages`). `listSource` compares the listing with the stored samples and writes pages of new and
 *     changed files, for about a second per call. Died: the listing continues after the last stored page.
 *  4. Index pages (`samples`, counts in `progress`). `indexPage` reads files and writes samples, four pages at a time,
 *     while step 3 goes on. Its heartbeat carries the batches written. Died: it resumes after the last of them; a batch
 *     that is repeated gives the same samples.
 *     Beside steps 3 and 4, if there are annotations, `readAnnotations` reads them (`staged_annotations`). Died: it goes on
 *     behind what is stored.
 *  5. Reconcile (`samples`, `datasets`). `reconcile` marks files that the listing did not see as missing, refreshes the
 *     counts, gives the samples the annotations that were read, and ends phase 1. If no sample lacks a vector of the model, it ends phase 2 as well, and steps 7 to 10 are
 *     skipped: no device is woken for nothing. Died: it marks the same files again. It removes the pages last.
 *  6. Announce `dataset.browsable`. `announce` starts a `deliverWebhook` child per webhook. The child outlives the
 *     load. Died: the Workflow ID prevents a second child; every attempt carries the same webhook ID.
 *  7. Start the embedding child. embedding-phase.ts starts `embedDataset`, and waits first if another job embeds the
 *     same dataset and model. `beginEmbedding` records the wait for a worker (`jobs`); `openModel` waits on the GPU
 *     queue for one. Died: the child has a history of its own; `openModel` runs again.
 *  8. Plan chunks (`progress`; the plan itself is in the child's history). `planEmbedding` finds the samples without a
 *     vector, cuts them into chunks, and opens a count for each. Died: it plans again.
 *  9. Embed chunks (`embeddings`, counts in `progress`). `embedChunk` activities run on the GPU queue, as many at once
 *     as keep its workers busy. Died: the next attempt embeds what still lacks a vector; only batches under way are
 *     lost.
 * 10. Record the model (`datasets.models`, `datasets.serving`). `finishEmbedding` counts the vectors, lets the model
 *     serve searches if it is the first or the job says so, and ends phase 2. Died: it counts again.
 *     Beside steps 7 to 10, if the load asks for an artifact, `writeArtifact` writes it (a file, and a folder of its
 *     segments until it is whole). Died: it goes on after the last whole segment.
 * 11. End the job and announce `dataset.ready`. `endJob` closes the record (`jobs`) and removes pages and progress;
 *     `announce` works as in step 6. Died: ending the job again changes nothing.
 *
 * A reset begins the job again at its first step, or goes on at a later one (docs/operating.md, "Resets"): what is stored
 * is found again, and work for a job that has ended is refused.
 *
 * A failure or a cancel at any step takes `runJob` (run-job.ts) to `endJob` and the webhooks. Pause, resume and cancel
 * arrive in operate.ts. A long history continues as new with a cursor: `IndexingCursor` or `EmbeddingCursor`.
 */
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
import type { ArtifactSteps } from './write-artifact.ts';

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
  /** Called once the first phase is over. The model's key if no sample lacks a vector, so that phase 2 is over too. */
  embeddedBy?(): string | null;
  /** The steps that write the artifact, if there is to be one. */
  artifact?: ArtifactSteps | undefined;
  continueAsNew(cursor: IndexingCursor): Promise<never>;
}

/**
 * Runs the lifecycle that a load and a retry share: index, then embed. The job can be paused, resumed and canceled at
 * any time, and its end is always recorded.
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
    const embed = async () => {
      const model_key = run.embeddedBy?.() ?? null;
      if (model_key !== null) {
        const at = new Date();
        job.update('embedding', { state: 'completed', model_key, total_known: true, started_at: at, finished_at: at });
        return true;
      }
      const embeds = input.embed && run.needsEmbedding?.() !== false;
      if (embeds) await embedding.run(input.embed_task_queue ?? capabilities.embed_task_queue, kind === 'retry');
      return embeds;
    };
    if (run.artifact === undefined) return { ready: await embed() };
    // The failure of one leaves the other its time: what it makes is kept.
    const [ready, written] = await Promise.allSettled([embed(), run.artifact.write(job)]);
    if (ready.status === 'rejected') throw ready.reason;
    if (written.status === 'rejected') throw written.reason;
    if (ready.value) await run.artifact.index(job);
    return { ready: ready.value };
  });
}

const firstCursor = (): IndexingCursor => ({
  started_at: workflowInfo().runStartTime.toISOString(),
  next: 0,
  done: 0,
  failed: 0,
  total: 0,
});
