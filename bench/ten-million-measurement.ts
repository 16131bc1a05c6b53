import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { EmbeddingActivities } from '../activities/embedding.ts';
import type { IndexingActivities } from '../activities/indexing.ts';
import type { InferenceActivities } from '../activities/inference.ts';
import type { JobActivities } from '../activities/jobs.ts';
import { embedWorkflowId, loadWorkflowId } from '../contract/names.ts';
import { type Chunk, chunkSize } from '../core/embedding/plan.ts';
import { pageLimit } from '../core/indexing/list-source.ts';
import { NO_OUTCOMES } from '../core/store/progress.ts';
import { workflowBundle } from '../workers/workflow-bundle.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { hold, spreadOf } from './figure.ts';
import { readHistory } from './histories.ts';

const COUNT = 10_000_000;
const DATASET = 'ten-million';
const MODEL = 'stand-in';
const TASK_QUEUE = 'stand-ins';
/** Pages that a call of `listSource` writes: it lists for about 0.7 s. */
const PAGES_A_CALL = 6;
/** Temporal suggests to continue as new at 4,096 events, and terminates a workflow at 51,200. */
const EVENTS_AT_MOST = 6000;
/** Temporal terminates a workflow at 50 MB. */
const BYTES_AT_MOST = 4e6;

/**
 * Measures how long the workflows' histories are: real workflows on a real server, and activities that only answer. So
 * ten million samples take minutes.
 */
export const tenMillionMeasurement: Measurement = {
  name: 'ten-million',
  summary: `the workflows of a load of ${COUNT.toLocaleString('en-US')}, with activities that only answer`,
  byDefault: false,
  measure: (context) =>
    withStack(context, [], async ({ client, memory, temporalAddress }) => {
      const count = scaled(context, COUNT);
      Runtime.install({ logger: new DefaultLogger('ERROR') });
      const connection = await NativeConnection.connect({ address: temporalAddress });
      const worker = await Worker.create({
        connection,
        taskQueue: TASK_QUEUE,
        activities: standIns(count),
        workflowBundle: await workflowBundle(context.env),
        workflowThreadPoolSize: 1,
      });
      const beganMs = performance.now();
      const { firstExecutionRunId } = await worker.runUntil(async () => {
        const load = await client.temporal.workflow.start('loadDataset', {
          taskQueue: TASK_QUEUE,
          workflowId: loadWorkflowId(DATASET),
          args: [{ dataset: DATASET, source: '/stand-in', model: MODEL, embed_task_queue: TASK_QUEUE }],
        });
        await load.result();
        return load;
      });
      const spread = spreadOf([(performance.now() - beganMs) / 1000]);
      await connection.close();
      const embedding = client.temporal.workflow.getHandle(embedWorkflowId(DATASET, MODEL));
      const firstRun = (await embedding.describe()).raw.workflowExecutionInfo?.firstRunId ?? undefined;
      const histories = [
        await readHistory(client.temporal, loadWorkflowId(DATASET), firstExecutionRunId),
        await readHistory(client.temporal, embedding.workflowId, firstRun),
      ];
      const runs = histories.flatMap((history) => history.runs);
      const longest = (of: 'events' | 'bytes') => Math.max(...runs.map((run) => run[of]));
      return [
        {
          measurement: 'ten-million',
          what: `the workflows of ${count.toLocaleString('en-US')} samples, with activities that only answer`,
          unit: 's' as const,
          count,
          ...spread,
          floor: null,
          ratio: null,
          targets: [
            { what: 'events of the longest run', value: longest('events'), at_most: EVENTS_AT_MOST, unit: 'events' },
            {
              what: 'size of the longest run',
              value: longest('bytes') / 1e6,
              at_most: BYTES_AT_MOST / 1e6,
              unit: 'MB',
            },
          ].map((target) => hold(target, context.scale)),
          bound_by: "Temporal's development server",
          peak_memory_bytes: await memory.end(),
          cpu_seconds: {},
          histories,
        },
      ];
    }),
};

/** The activities that a load calls, without files and without a database. */
function standIns(
  count: number,
): Partial<IndexingActivities> & Partial<EmbeddingActivities> & Partial<InferenceActivities> & Partial<JobActivities> {
  const pages: number[] = [];
  for (let left = count; left > 0; left -= pages.at(-1) as number) pages.push(Math.min(left, pageLimit(pages.length)));
  const chunks: Chunk[] = [];
  for (let from = 0; from < count; from = (chunks.at(-1) as Chunk)[1]) {
    const size = Math.min(chunkSize(count, count - from), count - from);
    chunks.push([from, from + size, size]);
  }
  const model = { name: MODEL, revision: '000000000000', key: `${MODEL}@000000000000`, dim: 8 };
  const queue = { search_attributes: false, embed_task_queue: TASK_QUEUE };
  const all = { done: count, failed: 0 };
  return {
    beginLoad: async ({ request }) => ({ ...queue, source: request.source, annotations: null }),
    listSource: async ({ page }) => {
      const listed = pages.slice(page, page + PAGES_A_CALL);
      const total = listed.reduce((sum, files) => sum + files, 0);
      const next = page + listed.length < pages.length ? page + listed.length : null;
      return { next, pages: listed.map((_, n) => page + n), total, unchanged: 0 };
    },
    indexPage: async ({ page }) => ({ added: pages[page] ?? 0, changed: 0, failed: 0 }),
    reconcile: async () => ({ ...all, total: count, outcomes: { ...NO_OUTCOMES, added: count }, embedded_by: null }),
    beginEmbedding: async () => ({ ...queue, media_type: 'image' }),
    openModel: async () => ({ ...model, batchSize: 32, device: 'cpu', text: false, workers: 1 }),
    planEmbedding: async () => ({ total: count, chunks }),
    embedChunk: async ({ chunk: [, , done] }) => ({ done, failed: 0, reused: 0, worked_ms: 1 }),
    finishEmbedding: async () => ({ ...all, reused: 0, index: null }),
    endJob: async () => undefined,
  };
}
