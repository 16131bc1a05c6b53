import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ConnectedClient, connectPlimsoll } from '../../client/connect.ts';
import type { JobStatus, PhaseName } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { type Stack, startStack } from '../../local/stack.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';

/** Enough that each phase takes some seconds, and several pages and chunks. */
const FILES = 9_000;
const PICTURES = 700;

let folder: string;
let stack: Stack;
let client: ConnectedClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-faults-'));
  const env = { ...process.env };
  for (const name of ['MONGODB_URI', 'TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE']) delete env[name];
  const ports = { temporal: 0, ui: 0, mongo: 0 };
  stack = await startStack({ dataDir: join(folder, 'stack'), ports, ui: 'off', env });
  client = await connectPlimsoll({ mongodbUri: stack.mongodbUri, env: stack.env });
  await makePictures(join(folder, 'pictures'), PICTURES);
  await makeManyFiles(join(folder, 'files'), FILES);
});

afterAll(async () => {
  await client?.close();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts a load and returns once its phase is well under way. */
async function startLoad(phase: PhaseName) {
  const dataset = `fault-${phase}-${Math.random().toString(36).slice(2, 8)}`;
  const source = join(folder, phase === 'indexing' ? 'files' : 'pictures');
  const { job_id } = await client.startLoad({ dataset, source, embed: phase === 'embedding' });
  await underWay(job_id, phase);
  const vectors = await collectionsOf(client.store)
    .embeddings.find({ dataset_id: dataset }, { projection: { _id: 1 } })
    .toArray();
  return { dataset, job_id, vectors };
}

async function awaitEnd({ job_id, ...load }: Awaited<ReturnType<typeof startLoad>>) {
  const seen: JobStatus[] = [];
  const status = await client.wait(job_id, { onStatus: (s) => seen.push(s) });
  return { ...load, status, seen };
}

/** Starts a load, strikes once its phase is well under way, and awaits its end. */
async function loadWithFault(phase: PhaseName, strike: () => Promise<unknown>) {
  const load = await startLoad(phase);
  await strike();
  return awaitEnd(load);
}

async function underWay(jobId: string, phase: PhaseName): Promise<JobStatus> {
  for await (const status of client.watch(jobId)) {
    const { done, total } = status.phases[phase];
    if (done > 0 && done < total) return status;
    if (status.finished_at !== null) break;
  }
  throw new Error(`The ${phase} phase was over before it could be disturbed.`);
}

/** One sample a file, one vector a sample, none twice, and what was shown never went backwards. */
async function expectWhole({ dataset, status, seen, vectors }: Awaited<ReturnType<typeof awaitEnd>>): Promise<void> {
  expect(status).toMatchObject({ state: 'completed', error: null });
  const embeds = status.phases.embedding.state !== 'skipped';
  const files = embeds ? PICTURES : FILES;
  expect(status.phases.indexing).toMatchObject({ done: files, failed: 0, total: files });
  const seqs = await collectionsOf(client.store)
    .samples.find({ dataset_id: dataset })
    .sort({ seq: 1 })
    .map((sample) => sample.seq)
    .toArray();
  expect(seqs).toEqual(Array.from({ length: files }, (_, i) => i));
  expect(await collectionsOf(client.store).samples.distinct('filepath', { dataset_id: dataset })).toHaveLength(files);
  expect(await collectionsOf(client.store).embeddings.distinct('seq', { dataset_id: dataset })).toHaveLength(
    embeds ? files : 0,
  );
  expect(await collectionsOf(client.store).embeddings.countDocuments({ dataset_id: dataset })).toBe(embeds ? files : 0);
  // Vectors stored before the fault are not computed again.
  const kept = { dataset_id: dataset, _id: { $in: vectors.map(({ _id }) => _id) } };
  expect(await collectionsOf(client.store).embeddings.countDocuments(kept)).toBe(vectors.length);
  for (const phase of ['indexing', 'embedding'] as const) {
    const done = seen.map((s) => s.phases[phase].done + s.phases[phase].failed);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  }
}

/** The processes that a process started, by the kernel's own list. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      try {
        const stat = readFileSync(`/proc/${child}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });
}

const member = (name: keyof Stack['members']) => {
  const found = stack.members[name];
  if (found === undefined) throw new Error(`${name} does not run here.`);
  return found;
};

async function restart(name: 'mongod' | 'temporal'): Promise<void> {
  await member(name).stop();
  await member(name).start();
}

describe('a load goes on by itself and comes to the same end', () => {
  it('after SIGKILL of the indexing worker while it indexes', async () => {
    await expectWhole(await loadWithFault('indexing', () => member('worker-indexing').kill()));
  });

  it('after SIGKILL of the indexing worker while the dataset is embedded', async () => {
    await expectWhole(await loadWithFault('embedding', () => member('worker-indexing').kill()));
  });

  it('after SIGKILL of the embedding worker', async () => {
    const outcome = await loadWithFault('embedding', () => member('worker-embedding').kill());
    await expectWhole(outcome);
    const retried = outcome.seen.flatMap(({ retrying }) => retrying ?? []);
    expect(retried).toContainEqual({
      activity: 'embedChunk',
      attempt: 2,
      since: expect.any(String),
      error: { code: 'TimedOut', message: 'The attempt sent no heartbeat in time: its worker may have died.' },
    });
  });

  it('after SIGKILL of the inference process', async () => {
    const killed: number[] = [];
    const outcome = await loadWithFault('embedding', async () => {
      for (const pid of childrenOf(member('worker-embedding').pid ?? 0)) {
        process.kill(pid, 'SIGKILL');
        killed.push(pid);
      }
    });
    expect(killed).not.toHaveLength(0);
    await expectWhole(outcome);
  });

  it('after SIGTERM of both workers, as a deploy sends it', async () => {
    await expectWhole(
      await loadWithFault('embedding', async () => {
        for (const name of ['worker-indexing', 'worker-embedding'] as const) {
          await member(name).stop();
          await member(name).start();
        }
      }),
    );
  });

  it.each(['indexing', 'embedding'] as const)('after mongod was stopped and started in phase %s', async (phase) => {
    await expectWhole(await loadWithFault(phase, () => restart('mongod')));
  });

  it.each(['indexing', 'embedding'] as const)('after Temporal was stopped and started in phase %s', async (phase) => {
    await expectWhole(await loadWithFault(phase, () => restart('temporal')));
  });
});

/**
 * Temporal does not retry a canceled activity, so a pause must not turn a passing fault into a failure.
 */
describe('a load that is paused while something is broken goes on when it is resumed', () => {
  // The first load must not end before the second is under way and both are paused.
  beforeEach(() => client.limits.set(PICTURES / 30));
  afterEach(() => client.limits.set(null));

  /** Resolves when the workflow that does the work has no pending activities or children. */
  const awaitIdle = (workflowId: string) =>
    expect
      .poll(async () => {
        const { raw } = await client.temporal.workflow.getHandle(workflowId).describe();
        return (raw.pendingActivities?.length ?? 0) + (raw.pendingChildren?.length ?? 0);
      })
      .toBe(0);

  it('after SIGKILL of the workers of both phases', async () => {
    const embedding = await startLoad('embedding');
    const indexing = await startLoad('indexing');
    await Promise.all([member('worker-indexing').kill(), member('worker-embedding').kill()]);
    await Promise.all([indexing, embedding].map(({ job_id }) => client.pause(job_id)));
    await awaitIdle(`load-${indexing.dataset}`);
    await awaitIdle(`embed-${embedding.dataset}:built-in`);
    for (const { job_id } of [indexing, embedding]) {
      expect((await client.status(job_id)).state).toBe('paused');
      await client.resume(job_id);
    }
    await client.limits.set(null);
    await Promise.all([indexing, embedding].map(async (load) => expectWhole(await awaitEnd(load))));
  });

  it('after mongod was away', async () => {
    const embedding = await startLoad('embedding');
    const indexing = await startLoad('indexing');
    await member('mongod').stop();
    const paused = [indexing, embedding].map(({ dataset }) =>
      client.temporal.workflow.getHandle(`load-${dataset}`).executeUpdate('pause'),
    );
    await awaitIdle(`embed-${embedding.dataset}:built-in`);
    await member('mongod').start();
    await Promise.all(paused);
    for (const { job_id } of [indexing, embedding]) await client.resume(job_id);
    await client.limits.set(null);
    await Promise.all([indexing, embedding].map(async (load) => expectWhole(await awaitEnd(load))));
  });
});
