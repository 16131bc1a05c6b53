import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { claimPort } from '../../local/ports.ts';
import { provision } from '../../local/provision/provision.ts';
import { awaitTemporal, temporalArguments } from '../../local/temporal-server.ts';
import { linesMedium } from '../support/lines-medium.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** The server's own metric `action` counts what Temporal Cloud charges for. */
const FILES = 50_000;
const MOST_ACTIONS = 150;
/** Eight on a quiet machine. How often the shown phase changes depends on time, and a retried activity counts again. */
const MOST_ACTIONS_UNCHANGED = 14;

const memory = memorySource();
let folder: string;
let server: ChildProcess;
let metrics: string;
let bench: Workbench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-actions-'));
  const { temporal } = await provision({ wanted: ['temporal'] });
  const [port, metricsPort] = await Promise.all(
    [0, 0].map((wanted) => claimPort(wanted, { role: 'test', flag: '', instead: '' })),
  );
  const args = temporalArguments({
    dbFile: join(folder, 'temporal.db'),
    port: port as number,
    page: undefined,
    httpApi: false,
  });
  server = spawn(temporal as string, [...args, '--metrics-port', String(metricsPort)], { stdio: 'ignore' });
  metrics = `http://127.0.0.1:${metricsPort}/metrics`;
  await awaitTemporal(port as number, undefined, { signal: AbortSignal.timeout(PATIENCE_MS), waitsFor: () => {} });
  bench = await openWorkbench({
    temporalAddress: `127.0.0.1:${port}`,
    plugin: { sources: [memory], media: [linesMedium()], embedder: createStandIn() },
  });
  const text = new TextEncoder();
  for (let n = 0; n < FILES; n += 1) memory.put(`memory:/many/${n}.lines`, text.encode(`line ${n}`));
});

afterAll(async () => {
  await bench?.stop();
  server?.kill();
  if (server?.exitCode === null && server.signalCode === null) await once(server, 'exit');
  await rm(folder, { recursive: true, force: true });
});

/** The actions that the server has counted so far, by kind. */
async function actions(): Promise<Map<string, number>> {
  const text = await (await fetch(metrics)).text();
  const lines = text.matchAll(/^action\{.*?action_type="(.+?)".*?namespace="default".*?\} (\d+)/gm);
  const counts = new Map<string, number>();
  for (const [, kind = '', count] of lines) counts.set(kind, (counts.get(kind) ?? 0) + Number(count));
  return counts;
}

/** The same once the server has counted what it has done: it does so a moment later. */
async function settled(): Promise<Map<string, number>> {
  let last = await actions();
  await expect
    .poll(
      async () => {
        const before = last;
        last = await actions();
        return JSON.stringify([...last]) === JSON.stringify([...before]);
      },
      { interval: 1000 },
    )
    .toBe(true);
  return last;
}

/** Loads the files to the end of the workflow, and returns its actions with the job's status. */
async function load(dataset: string) {
  const before = await settled();
  const { job_id, workflow_id } = await bench.startLoad({ dataset, source: 'memory:/many', model: 'stand-in' });
  const status = (await bench.temporal.workflow.getHandle(workflow_id, job_id).result()) as JobStatus;
  const after = await settled();
  const counts = new Map([...after].map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)]));
  // Heartbeats come with the time that an activity takes, and this machine may have other work to do.
  const charged = [...counts].filter(([kind]) => kind !== 'grpc_RecordActivityTaskHeartbeat');
  return { status, counts, sum: charged.reduce((total, [, count]) => total + count, 0) };
}

it('a load of 50,000 files takes few of them, and an unchanged one next to none', async () => {
  const dataset = bench.newDataset();
  const first = await load(dataset);
  expect(first.status).toMatchObject({ state: 'completed', phases: { embedding: { done: FILES } } });
  expect(first.counts.get('command_ScheduleActivityTask')).toBeGreaterThan(0);
  expect(first.sum, JSON.stringify([...first.counts])).toBeLessThanOrEqual(MOST_ACTIONS);

  const unchanged = await load(dataset);
  expect(unchanged.status).toMatchObject({
    state: 'completed',
    phases: { indexing: { outcomes: { unchanged: FILES } } },
  });
  expect(unchanged.sum, JSON.stringify([...unchanged.counts])).toBeLessThanOrEqual(MOST_ACTIONS_UNCHANGED);
});
