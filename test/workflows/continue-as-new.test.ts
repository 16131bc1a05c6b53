import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { claimPort } from '../../local/ports.ts';
import { provision } from '../../local/provision/provision.ts';
import { awaitTemporal, temporalArguments } from '../../local/temporal-server.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** This server suggests continue-as-new after a few events instead of thousands. */
const SUGGEST_AFTER = ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=12'];
const FILES = 9_000;
const PICTURES = 700;

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const secretsFile = () => join(folder, 'secrets.json');

let folder: string;
let server: ChildProcess;
let bench: Workbench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-continue-'));
  const { temporal } = await provision({ wanted: ['temporal'] });
  const port = await claimPort(0, { role: 'test', flag: '', instead: '' });
  const args = temporalArguments({ dbFile: join(folder, 'temporal.db'), port, page: undefined, httpApi: false });
  server = spawn(temporal as string, [...args, ...SUGGEST_AFTER], { stdio: 'ignore' });
  await awaitTemporal(port, undefined, { signal: AbortSignal.timeout(PATIENCE_MS), waitsFor: () => {} });
  await writeFile(secretsFile(), JSON.stringify({ default: SECRET }));
  bench = await openWorkbench({
    temporalAddress: `127.0.0.1:${port}`,
    plugin: { embedder: createStandIn({ perSecond: 150 }) },
    env: { PLIMSOLL_WEBHOOK_SECRETS: secretsFile(), PLIMSOLL_WEBHOOK_ALLOW: '127.0.0.1' },
  });
  await makeManyFiles(join(folder, 'files'), FILES);
  await makePictures(join(folder, 'pictures'), PICTURES);
});

afterAll(async () => {
  await bench?.stop();
  server?.kill();
  if (server?.exitCode === null && server.signalCode === null) await once(server, 'exit');
  await rm(folder, { recursive: true, force: true });
});

it('a load whose history grows long continues as new, under the same job ID, and loses nothing', async () => {
  const dataset = bench.newDataset();
  const seen: JobStatus[] = [];
  const { job_id, workflow_id } = await bench.startLoad({ dataset, source: join(folder, 'files'), embed: false });
  const status = await bench.wait(job_id, { onStatus: (s) => seen.push(s) });

  const { runId, raw, historyLength } = await bench.temporal.workflow.getHandle(workflow_id).describe();
  expect(runId).not.toBe(job_id);
  expect(raw.workflowExecutionInfo?.firstRunId).toBe(job_id);
  expect(historyLength).toBeLessThan(150);
  expect(status).toMatchObject({ job_id, state: 'completed' });
  expect(status.phases.indexing).toMatchObject({ done: FILES, total: FILES, outcomes: { added: FILES } });
  const answered = await bench.temporal.workflow.getHandle(workflow_id).query<JobStatus>('status');
  expect(answered).toMatchObject({ job_id, phases: { indexing: { done: FILES, total: FILES } } });
  expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset })).toBe(FILES);
  expect(await collectionsOf(bench.store).jobs.countDocuments({ dataset_id: dataset })).toBe(1);
  const done = seen.map(({ phases }) => phases.indexing.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
});

it('an embedding that stops and goes on often continues as new, too, and does nothing twice', async () => {
  const dataset = bench.newDataset();
  const seen: JobStatus[] = [];
  const { job_id } = await bench.startLoad({ dataset, source: join(folder, 'pictures') });
  const embedding = bench.temporal.workflow.getHandle(`embed-${dataset}:built-in`);
  for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
  const { runId: first } = await embedding.describe();
  await bench.pause(job_id);
  await expect.poll(async () => (await embedding.describe()).raw.pendingActivities?.length ?? 0).toBe(0);
  await bench.resume(job_id);
  const status = await bench.wait(job_id, { onStatus: (s) => seen.push(s) });

  expect((await embedding.describe()).runId).not.toBe(first);
  expect(status).toMatchObject({ job_id, state: 'completed' });
  expect(status.phases.embedding).toMatchObject({ done: PICTURES, failed: 0, total: PICTURES });
  expect(await embedding.query<JobStatus>('status')).toMatchObject({ phases: { embedding: { done: PICTURES } } });
  expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset })).toBe(PICTURES);
  const done = seen.map(({ phases }) => phases.embedding.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
});

it('what a load was accepted with is not refused when it continues as new', async () => {
  const webhooks = [{ url: 'http://127.0.0.1:9/', events: ['job.failed' as const] }];
  const source = join(folder, 'files');
  const { job_id } = await bench.startLoad({ dataset: bench.newDataset(), source, embed: false, webhooks });
  for await (const { phases } of bench.watch(job_id)) if (phases.indexing.done > 0) break;
  await writeFile(secretsFile(), '{}');
  expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', error: null });
});
