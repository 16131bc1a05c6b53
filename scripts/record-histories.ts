/**
 * Records the histories that test/workflows/determinism.test.ts replays: `node scripts/record-histories.ts`.
 *
 * Run it after a change of the workflows that intentionally breaks the replay of running jobs, and say so in the
 * changelog: workers of the previous version must finish those jobs.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import sharp from 'sharp';
import { connectPlimsoll } from '../client/connect.ts';
import { INDEXING_TASK_QUEUE, SCHEDULED_WORKFLOW } from '../contract/names.ts';
import { startStack } from '../local/stack.ts';

const target = join(import.meta.dirname, '../test/histories');
const folder = await mkdtemp(join(tmpdir(), 'plimsoll-histories-'));
const stack = await startStack({
  dataDir: join(folder, 'stack'),
  ports: { temporal: 0, ui: 0, mongo: 0 },
  ui: 'off',
  report: (line) => console.error(line),
});
const client = await connectPlimsoll({ mongodbUri: stack.mongodbUri, env: stack.env });
try {
  const source = join(folder, 'pictures');
  await mkdir(source);
  const picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
  for (let i = 0; i < 3000; i++) await writeFile(join(source, `${i}.jpg`), picture);
  await mkdir(target, { recursive: true });

  const load = await client.startLoad({ dataset: 'recorded', source });
  await client.wait(load.job_id);
  await record('load', load.workflow_id);
  await record('load-embedding', 'embed-recorded:built-in');

  await client.wait((await client.startLoad({ dataset: 'recorded', source })).job_id);
  await record('reload-unchanged', load.workflow_id);

  const documents = join(folder, 'documents');
  await mkdir(documents);
  await writeFile(join(documents, 'a.md'), '# A\n\nSome text.\n');
  const artifact = join(folder, 'a.mp4');
  const artifact_index = join(folder, 'a.json');
  const written = await client.startLoad({ dataset: 'written', source: documents, artifact, artifact_index });
  await client.wait(written.job_id);
  await record('load-artifact', written.workflow_id);

  const embedding = await client.startEmbedding({ dataset: 'recorded' });
  await client.wait(embedding.job_id);
  await record('embedding-alone', embedding.workflow_id);

  const index = await client.indexVectors({ dataset: 'recorded', kind: 'exact' });
  await client.wait(index.job_id);
  await record('index', index.workflow_id);

  const duplicates = await client.findDuplicates({ dataset: 'recorded' });
  await client.wait(duplicates.job_id);
  await record('duplicates', duplicates.workflow_id);

  const missing = await client.startLoad({ dataset: 'recorded', source: join(folder, 'nowhere') });
  await client.wait(missing.job_id);
  await record('source-not-found', missing.workflow_id);

  const canceled = await client.startLoad({ dataset: 'canceled', source, embed_task_queue: 'nobody' });
  await client.wait(canceled.job_id, { for: 'browsable' });
  await client.temporal.workflow.getHandle(canceled.workflow_id).cancel();
  await client.wait(canceled.job_id);
  await record('canceled-while-waiting', canceled.workflow_id);
  const paused = await client.startLoad({ dataset: 'paused', source });
  await phaseBegun(paused.job_id);
  await client.pause(paused.job_id);
  const embeddingId = 'embed-paused:built-in';
  await activitiesEnded(embeddingId);
  await client.resume(paused.job_id);
  await client.wait(paused.job_id);
  await record('paused', paused.workflow_id);
  await record('paused-embedding', embeddingId);

  const reasoned = await client.startLoad({ dataset: 'reasoned', source, embed_at: '2126-01-01T00:00:00Z' });
  await client.wait(reasoned.job_id, { for: 'browsable' });
  await client.cancel(reasoned.job_id, { reason: 'recorded' });
  await client.wait(reasoned.job_id);
  await record('canceled-by-update', reasoned.workflow_id);

  // Start it as a schedule would.
  const scheduled = await client.temporal.workflow.start(SCHEDULED_WORKFLOW, {
    taskQueue: INDEXING_TASK_QUEUE,
    workflowId: 'scheduled-recorded',
    args: [{ load: { dataset: 'recorded', source } }],
  });
  await record('scheduled', scheduled.workflowId);

  const annotations = join(folder, 'annotations.json');
  const images = Array.from({ length: 3000 }, (_, id) => ({ id, file_name: `${id}.jpg`, width: 64, height: 48 }));
  await writeFile(annotations, JSON.stringify({ images, annotations: [], categories: [] }));
  const annotated = await client.startLoad({ dataset: 'recorded', source, annotations: { paths: [annotations] } });
  await client.wait(annotated.job_id);
  await record('load-annotated', annotated.workflow_id);
  await client.wait((await client.annotate({ dataset: 'recorded', annotations: { paths: [annotations] } })).job_id);
  await record('annotate', annotated.workflow_id);
  await client.wait((await client.annotate({ dataset: 'recorded', remove: 'ground_truth' })).job_id);
  await record('annotate-remove', annotated.workflow_id);

  const exported = await client.exportDataset({
    dataset: 'recorded',
    target: join(folder, 'exported'),
    format: 'jsonl',
  });
  await client.wait(exported.job_id);
  await record('export', exported.workflow_id);

  const vectors = join(folder, 'vectors.jsonl');
  await writeFile(vectors, `${JSON.stringify({ seq: 0, vector: [1, 0] })}\n`);
  const imported = await client.importVectors({ dataset: 'recorded', path: vectors, model_key: 'mine@1' });
  await client.wait(imported.job_id);
  await record('import', imported.workflow_id);

  const retry = await client.retry('recorded');
  await client.wait(retry.job_id);
  await record('retry', retry.workflow_id);

  const prune = await client.prune('recorded');
  await client.wait(prune.job_id);
  await record('prune', prune.workflow_id);

  const moved = join(folder, 'moved');
  await rename(source, moved);
  const relocate = await client.relocate({ dataset: 'recorded', from: source, to: moved });
  await client.wait(relocate.job_id);
  await record('relocate', relocate.workflow_id);

  const forget = await client.forget({ dataset: 'recorded', source: moved });
  await client.wait(forget.job_id);
  await record('forget', forget.workflow_id);

  await client.wait((await client.startLoad({ dataset: 'recorded', source: moved })).job_id);
  const drop = await client.dropModel('recorded', 'color-gradient-grid');
  await client.wait(drop.job_id);
  await record('drop', drop.workflow_id);

  const removal = await client.deleteDataset('recorded');
  await client.wait(removal.job_id);
  await record('delete', removal.workflow_id);
} finally {
  await client.close();
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Resolves once the first samples are embedded. */
async function phaseBegun(jobId: string): Promise<void> {
  for await (const { phases } of client.watch(jobId)) if (phases.embedding.done > 0) return;
}

/** Resolves once a paused embedding has no activity. */
async function activitiesEnded(workflowId: string): Promise<void> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  while (((await handle.describe()).raw.pendingActivities?.length ?? 0) > 0) await setTimeout(50);
}

async function record(name: string, workflowId: string): Promise<void> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  await handle.result().catch(() => undefined);
  // Remove stack traces, which name folders of the recording machine.
  const text = historyToJSON(await handle.fetchHistory()).replaceAll(join(import.meta.dirname, '..'), '/plimsoll');
  await writeFile(join(target, `${name}.json`), `${text}\n`);
}
