import { z } from 'zod';
import { isJobsCursor } from '../../client/list-jobs.ts';
import { MILESTONES } from '../../client/wait.ts';
import { IMPORTED_STATES, INVALID_VECTOR_REASONS } from '../../contract/imported.ts';
import { retryFailedInput } from '../../contract/inputs.ts';
import { FINAL_STATES, INDEX_KINDS, JOB_KINDS, JOB_STATES } from '../../contract/job.ts';
import { annotationsStatus } from './annotations.ts';
import { exportedCounts } from './exports.ts';
import { base64url, flag, several, span, time, wholeNumber } from './parameters.ts';

export const jobState = z.enum(JOB_STATES);
export const jobKind = z.enum(JOB_KINDS);
export const phaseState = z.enum(['pending', 'running', 'waiting', 'completed', 'failed', 'canceled', 'skipped']);
export const waitReason = z.enum(['worker', 'other_job', 'window', 'time', 'paused', 'throttled']);
const count = z.int().min(0);
const moment = z.iso.datetime();

export const recordedError = z
  .object({ code: z.string().describe('Stable, for programs.'), message: z.string() })
  .meta({ id: 'RecordedError' });

export const retrying = z
  .object({
    activity: z.string().describe('Its name on Temporal.'),
    attempt: z.int().min(1).describe('The attempt that runs or comes next.'),
    since: moment.describe('When its first attempt failed, as far as that is known.'),
    error: recordedError.describe('Why its last attempt failed.'),
  })
  .meta({ id: 'Retrying', description: 'An activity that Temporal retries until it succeeds.' });

export const fileOutcomes = z
  .object({
    added: count,
    changed: count,
    unchanged: count,
    missing: count,
    failed: count,
    ignored: count,
    excluded: count,
    unreadable_folders: count,
    outside_links: count.describe('Links that lead out of the source roots: they are not followed.'),
  })
  .meta({ id: 'FileOutcomes', description: 'What became of the files of the source.' });

export const phaseStatus = z
  .object({
    state: phaseState,
    done: count,
    failed: count,
    total: count.describe('done + failed never exceeds it.'),
    total_known: z.boolean().describe('False while the source is still being listed and total may grow.'),
    rate: z
      .number()
      .nullable()
      .describe('Items a second at work; null before it can be told, and where nothing moves any more.'),
    seconds_left: z
      .number()
      .nullable()
      .describe("At that rate; null when it can't be told or while it waits, 0 when the phase is over."),
    still_since: moment
      .nullable()
      .describe('Since when nothing has moved, of a phase that runs; null while things move.'),
    waited_seconds: z.number().min(0).describe('Seconds of waits that are over, which the rate does not count.'),
    waiting_for: z
      .object({
        reason: waitReason,
        since: moment,
        task_queue: z.string().nullable(),
        until: moment.nullable(),
        samples_per_second: z.number().optional(),
      })
      .nullable(),
    started_at: moment.nullable(),
    finished_at: moment.nullable(),
    reused: count.optional().describe('Samples among `done` that got the vector of equal content, without inference.'),
    outcomes: fileOutcomes.optional(),
    failures: z.record(z.string(), count).optional().describe('Failures by error code.'),
    unreadable_folders: z.array(z.string()).optional(),
    outside_links: z.array(z.string()).optional(),
    model_key: z.string().optional(),
    device: z.string().optional().describe('Devices of the worker that loaded the model first: cpu, or cuda:0,cuda:1.'),
    index: z
      .object({ kind: z.enum(INDEX_KINDS), done: z.int(), total: z.int() })
      .optional()
      .describe('The search index that the phase builds last, in vectors.'),
  })
  .meta({ id: 'PhaseStatus' });

/**
 * A component of its own: generators name an inline object after its place, `Schedule.request`, and so as the body
 * ScheduleRequest.
 */
export const jobInput = z
  .record(z.string(), z.unknown())
  .meta({ id: 'JobInput', description: 'The input that a job is started with.' });

/** The job that `plimsoll status --json` prints. Callers of read scope see only the last name of each folder. */
export const job = z
  .object({
    job_id: z.string(),
    workflow_id: z.string(),
    kind: jobKind,
    dataset: z.string(),
    state: jobState,
    phases: z.object({ indexing: phaseStatus, embedding: phaseStatus }),
    error: z.union([recordedError, z.null()]),
    retrying: z.union([retrying, z.null()]),
    removed: z
      .object({
        samples: count,
        vectors: count,
        kept: count
          .optional()
          .describe(
            'Of a prune: missing samples that stay, because their files are back or their sources are not there.',
          ),
        unreadable_folders: z
          .array(z.string())
          .optional()
          .describe(
            'Of a prune: the sources that hold it up, as they are not there. For each: mount it, `relocate` the dataset ' +
              'if it moved, or `forget` it if it is gone for good.',
          ),
      })
      .optional()
      .describe('What a prune, a forget, a deletion or a drop has removed so far.'),
    moved: z.object({ samples: count }).optional().describe('What a relocate has moved so far.'),
    compared: z
      .object({
        samples: count.describe('Samples that were compared with the others.'),
        total: count.describe('Samples to compare; 0 until that is known.'),
        groups: count.optional().describe('Groups of duplicates; left out until they can be read.'),
      })
      .optional()
      .describe('How far a search for duplicates is.'),
    exported: exportedCounts.optional().describe('How far an export is.'),
    annotations: annotationsStatus
      .optional()
      .describe('The annotations of a load or an annotation, once their reading has begun.'),
    artifact: z
      .object({
        path: z.string().describe('The file, on the machine of the indexing worker.'),
        state: z.enum(['running', 'completed', 'failed']),
        error: recordedError.optional().describe('Why it failed. The job goes on, and fails at its end.'),
        chunks: count.describe('Chunks that are in it.'),
        total: count,
        bytes: count,
        index_path: z.string().optional().describe('The file of its index, once that is written.'),
      })
      .optional()
      .describe('The video of QR codes that a load writes, once its writing has begun.'),
    imported: z
      .object({
        state: z.enum(IMPORTED_STATES),
        path: z.string(),
        rows: count.describe('Rows or lines that were read.'),
        total: count.optional().describe('Rows of the file, where that is known.'),
        vectors: count.describe('Samples that have a vector of the file now.'),
        repeated: count.describe('Rows of a sample that had one before: the last one counts.'),
        unknown: count.describe('Rows of samples that the dataset does not have, or could not read.'),
        unknown_names: z.array(z.string()).describe('The first 100 of them.'),
        invalid: z.partialRecord(z.enum(INVALID_VECTOR_REASONS), count).describe('Rows that were left out, by reason.'),
        invalid_named: z
          .array(z.object({ reason: z.enum(INVALID_VECTOR_REASONS), row: count, message: z.string() }))
          .describe('The first 100 of them. Lines count from 1, rows from 0.'),
      })
      .optional()
      .describe('How far an import of vectors is.'),
    request: jobInput,
    started_at: moment.nullable(),
    paused_at: moment.nullable(),
    finished_at: moment.nullable(),
  })
  .meta({ id: 'Job', description: 'How a job stands.' });

export const startedJob = z
  .object({
    job_id: z.string(),
    workflow_id: z.string(),
    dataset: z.string(),
    attached: z.boolean().describe('True where the job ran already, and nothing was started.'),
  })
  .meta({ id: 'StartedJob', description: 'A job that was started, or with `if_running=attach` the one that runs.' });

const datasetFilter = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be the name of a dataset')
  .optional()
  .meta({ description: 'Only jobs of this dataset.' });

export const jobsQuery = z.strictObject({
  dataset: datasetFilter,
  state: several(jobState).optional().meta({ description: 'Only jobs in this state; repeat it for more.' }),
  kind: several(jobKind).optional().meta({ description: 'Only jobs of this kind; repeat it for more.' }),
  since: time.optional().meta({ description: 'Only jobs that started at this time or later.' }),
  before: time.optional().meta({ description: 'Only jobs that started before this time.' }),
  limit: wholeNumber(1, 200)
    .default(20)
    .meta({ type: 'integer', minimum: 1, maximum: 200, default: 20, description: 'At most this many.' }),
  cursor: base64url(500)
    .refine(isJobsCursor, 'must be `next` of the page before, as it was')
    .optional()
    .meta({ description: '`next` of the page before.' }),
});

export const cleanupQuery = z.strictObject({
  older_than: span.meta({
    description: 'Only jobs that ended longer ago, as `30d`, `12h` or `1h30m`.',
    example: '30d',
  }),
  dataset: datasetFilter,
  state: several(z.enum(FINAL_STATES))
    .optional()
    .meta({ description: 'Only jobs that ended in this state; repeat it for more.' }),
  lost: flag('Also jobs without an end on record whose workflow this Temporal does not know.'),
  dry_run: flag('Remove nothing, only say what it would be.'),
});

export const cleanupResult = z
  .object({
    before: moment.describe('Jobs that ended before this time.'),
    dry_run: z.boolean(),
    jobs: z
      .array(
        z.object({
          job_id: z.string(),
          dataset: z.string(),
          kind: jobKind,
          state: jobState,
          finished_at: moment,
        }),
      )
      .describe('The jobs whose records were removed, the oldest first.'),
    lost: z
      .array(z.string())
      .describe('As old, without an end on record, and not known to this Temporal: left alone unless `lost` is true.'),
  })
  .meta({ id: 'CleanupResult' });

export const startQuery = z.strictObject({
  if_running: z.enum(['fail', 'attach', 'replace']).default('fail').meta({
    description:
      'Where such a job is running: answer 409; answer that job; or cancel it first, which keeps what it did, and terminate it where no worker hears that within 30 s.',
  }),
});

export const jobPage = z
  .object({
    jobs: z.array(job).describe('Newest first.'),
    next: z
      .string()
      .nullable()
      .describe('Give it as `cursor`, with the same filter, for the next page; null on the last.'),
  })
  .meta({ id: 'JobPage' });

export const waitQuery = z.strictObject({
  for: z.enum(MILESTONES).default('completed').meta({
    description:
      'Until phase 1 is over and went well, until the artifact is written, until all vectors are stored and indexed, or until the job has ended.',
  }),
  // httpx and the clients that are generated for it give up after 5 s.
  timeout: wholeNumber(0, 60).default(4).meta({
    type: 'integer',
    minimum: 0,
    maximum: 60,
    default: 4,
    description: 'Seconds after which to answer anyway. Give more if your client waits longer.',
  }),
});

export const waited = z
  .object({ reached: z.boolean().describe('Whether what was waited for has come, or the job has ended.'), job })
  .meta({ id: 'Waited' });

export const cancelBody = z
  .strictObject({ reason: z.string().max(500).optional().describe('For people; kept in the history.') })
  .meta({ id: 'CancelRequest' });

export const webhookDeliveries = z
  .object({
    undelivered: count.describe(
      "Messages that were not delivered, or not yet; as Temporal's list has them, which lags a little.",
    ),
    messages: z
      .array(
        z.object({
          event: z.string().describe('`job.failed`'),
          webhook: count.describe("The webhook's position in the job's request, from 0."),
          state: z
            .enum(['pending', 'failed', 'ended'])
            .describe('`failed`: 48 hours are over. `ended`: the delivery was ended on Temporal.'),
          attempt: z.int().nullable().describe('The attempt that runs or comes next.'),
          next_attempt_at: z.string().nullable().describe('Null if an attempt runs, or none comes.'),
          error: z
            .object({ code: z.string(), message: z.string() })
            .nullable()
            .describe('Why the last attempt failed; null if none has.'),
        }),
      )
      .describe('At most 20 of them.'),
  })
  .meta({ id: 'WebhookDeliveries', description: "What became of a job's messages to its webhooks." });

const { embed, model, webhooks } = retryFailedInput.shape;

/** Has no defaults: an omitted option keeps its value from the job that is retried. */
export const retryBody = retryFailedInput
  .omit({ dataset: true })
  .extend({
    embed: embed.unwrap().optional(),
    model: model.unwrap().optional(),
    webhooks: webhooks.unwrap().optional(),
  })
  .meta({
    id: 'RetryRequest',
    description: 'Options of the new job; as in the job that is retried where they are left out.',
  });

export type Job = z.infer<typeof job>;
export type StartedJob = z.infer<typeof startedJob>;
export type JobPage = z.infer<typeof jobPage>;
export type Waited = z.infer<typeof waited>;
export type WebhookDeliveries = z.infer<typeof webhookDeliveries>;
