import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PhaseName } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { Role } from '../../workers/plugin/options.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** Enough that the phase takes some seconds. */
const FILES = { indexing: 12_000, embedding: 2000 };

const STARTED = 2;

let bench: Workbench;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  for (const [phase, files] of Object.entries(FILES)) await makeManyFiles(join(bench.folder, phase), files);
});
afterEach(() => Promise.all(processes.splice(0).map(terminate)));
afterAll(() => bench.stop());

async function startWorker(role: Role): Promise<ChildProcess> {
  const taskQueue = role === 'indexing' ? bench.taskQueue : bench.embedTaskQueue;
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/${collectionsOf(bench.store).jobs.dbName}`;
  const worker = fork(join(import.meta.dirname, 'worker-process.ts'), [role, taskQueue], {
    env: { ...process.env, MONGODB_URI: uri.href, TEMPORAL_ADDRESS: inject('temporalAddress') },
    stdio: 'ignore',
  });
  processes.push(worker);
  await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(([code]) => expect.unreachable(`The worker ended with ${code}.`)),
  ]);
  return worker;
}

/** Sends SIGTERM, awaits the end, and returns how the process ended. */
async function terminate(worker: ChildProcess): Promise<number | null> {
  if (worker.exitCode !== null || worker.signalCode !== null) return worker.exitCode;
  const exit = once(worker, 'exit');
  worker.kill('SIGTERM');
  const [code] = await exit;
  return code;
}

/** Resolves when the phase has done some of its work but not all. */
async function wellInto(phase: PhaseName, jobId: string): Promise<void> {
  for await (const status of bench.watch(jobId)) {
    const { done, total } = status.phases[phase];
    if (done > 0 && done < FILES[phase] && total > 0) return;
    if (status.finished_at !== null || done === FILES[phase]) break;
  }
  throw new Error(`The ${phase} phase was over before it could be disturbed.`);
}

/** The workflows of a dataset's load that have activities: the load itself and its embedding. */
async function handlesOf(dataset: string) {
  const handles = [bench.temporal.workflow.getHandle(`load-${dataset}`)];
  const query = `WorkflowId STARTS_WITH "embed-${dataset}:"`;
  for await (const { workflowId } of bench.temporal.workflow.list({ query })) {
    handles.push(bench.temporal.workflow.getHandle(workflowId));
  }
  return handles;
}

/** Activities that the server believes to be running. They would start again only after a timeout. */
async function startedActivities(dataset: string, names: string[]): Promise<string[]> {
  const described = await Promise.all((await handlesOf(dataset)).map((handle) => handle.describe()));
  return described
    .flatMap(({ raw }) => raw.pendingActivities ?? [])
    .filter(({ state }) => state === STARTED)
    .map(({ activityType }) => activityType?.name ?? '')
    .filter((name) => names.includes(name));
}

/** Attempts of activities that follow a timeout of the previous attempt. */
async function attemptsAfterTimeouts(dataset: string): Promise<unknown[]> {
  const histories = await Promise.all((await handlesOf(dataset)).map((handle) => handle.fetchHistory()));
  return histories
    .flatMap(({ events }) => events ?? [])
    .filter((event) => event.activityTaskStartedEventAttributes?.lastFailure?.timeoutFailureInfo != null);
}

describe('SIGTERM of a worker', () => {
  it.each([
    ['indexing', 'indexing', ['listSource', 'indexPage', 'reconcile']],
    ['embedding', 'embedding', ['openModel', 'embedChunk']],
  ] as const)('in phase %s leaves no activity to a timeout', async (phase, role, activities) => {
    const dataset = bench.newDataset();
    const workers = { indexing: await startWorker('indexing'), embedding: await startWorker('embedding') };
    const source = join(bench.folder, phase);
    const { job_id } = await bench.startLoad({ dataset, source, embed: phase === 'embedding' });
    await wellInto(phase, job_id);

    const code = await terminate(workers[role]);

    // A worker whose activities ignore the request to end is ended by force, with another exit code.
    expect(code).toBe(0);
    expect(await startedActivities(dataset, [...activities])).toEqual([]);

    await startWorker(role);
    const status = await bench.wait(job_id);

    expect(status).toMatchObject({ state: 'completed', phases: { [phase]: { done: FILES[phase], failed: 0 } } });
    expect(await attemptsAfterTimeouts(dataset)).toEqual([]);
  });
});
