import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CommandBench, createCommandBench } from '../cli/command-bench.ts';

const ENTRY = join(import.meta.dirname, '../../workers/run.ts');
/** An address for Temporal or MongoDB where nothing listens. */
const NOWHERE = '127.0.0.1:1';

let bench: CommandBench;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  bench = await createCommandBench();
});
afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));
afterAll(() => bench?.stop());

/** A worker as `npm run worker` starts it, whose standard error is read. */
function startWorker(args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...bench.env, PLIMSOLL_LOG_LEVEL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  const ended = once(child, 'close').then(([code]) => ({ code, said, printed }));
  stops.push(() => {
    child.kill('SIGTERM');
    return ended;
  });
  return {
    ended,
    async says(text: string): Promise<string> {
      while (!said.includes(text))
        await Promise.race([once(child.stderr, 'data'), ended.then(() => expect.unreachable(said))]);
      return said;
    },
  };
}

describe('the line that starts a worker', () => {
  it.each([
    ['no role', [], '--role is required: indexing or embedding.'],
    ['a role without a name', ['--role'], "Option '--role <value>' argument missing."],
    ['a role that is none', ['--role', 'gpu'], '--role must be indexing or embedding, not "gpu".'],
    ['an option that is none', ['--rule', 'indexing'], "Unknown option '--rule'."],
  ])('with %s is refused in a sentence', async (_, args, sentence) => {
    expect(await startWorker(args).ended).toEqual({
      code: 2,
      said: `${sentence} Usage: npm run worker -- --help\n`,
      printed: '',
    });
  });

  it('with --help says how it is used', async () => {
    const { code, said, printed } = await startWorker(['--help']).ended;
    expect({ code, said }).toEqual({ code: 0, said: '' });
    expect(printed).toContain('--role indexing|embedding');
  });
});

describe('a worker whose server does not answer', () => {
  it('names MongoDB, without its password', async () => {
    const MONGODB_URI = `mongodb://me:secret@${NOWHERE}/?replicaSet=rs0`;
    const { code, said } = await startWorker(['--role', 'indexing'], { MONGODB_URI }).ended;
    expect(code).toBe(1);
    expect(said).toMatch(/^MongoDB does not answer at mongodb:\/\/\*\*\*@127\.0\.0\.1:1\/.*\n$/);
  });

  it('names Temporal', async () => {
    const { code, said } = await startWorker(['--role', 'embedding'], { TEMPORAL_ADDRESS: NOWHERE }).ended;
    expect(code).toBe(1);
    expect(said).toMatch(/^Temporal does not answer at 127\.0\.0\.1:1: Connection refused\. .*\n$/);
  });
});

/** Returns doctor's check of the indexing workers. */
async function indexWorkers() {
  const { checks } = JSON.parse((await bench.run('doctor', '--json')).stdout);
  return checks.find(({ name }: { name: string }) => name === 'Indexing workers');
}

describe('a worker that polls', () => {
  // This test runs first: the server remembers workers without a version for minutes after their end.
  it('with a version says so when the version can be made current, of which doctor reminds', async () => {
    const version = { deploymentName: 'entry', buildId: '1' };
    const worker = startWorker(['--role', 'indexing'], { PLIMSOLL_DEPLOYMENT: 'entry', PLIMSOLL_BUILD_ID: '1' });
    expect(await worker.says('polls')).toContain(', as version entry:1.');
    expect(await indexWorkers()).toMatchObject({
      state: 'warning',
      found: expect.stringContaining('those of version entry:1 get nothing'),
      advice: expect.stringContaining('set-current-version --deployment-name entry --build-id 1 --yes'),
    });

    const connection = await Connection.connect({ address: bench.env.TEMPORAL_ADDRESS ?? '' });
    stops.push(() => connection.close());
    await connection.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: bench.env.TEMPORAL_NAMESPACE ?? '',
      identity: 'a-deploy',
      ...version,
    });
    expect(await indexWorkers()).toMatchObject({ state: 'ok' });
    await startWorker(['--role', 'indexing']).says('polls');
    expect(await indexWorkers()).toMatchObject({
      state: 'warning',
      found: expect.stringContaining('those without a version get no new loads, as entry:1 is current'),
    });
  });

  it.each([
    ['indexing', 'plimsoll'],
    ['embedding', 'plimsoll-gpu'],
  ])('of role %s says so, and nothing else', async (role, queue) => {
    const worker = startWorker(['--role', role]);
    expect(await worker.says('polls')).toBe(
      `The ${role} worker polls task queue ${queue} at ${bench.env.TEMPORAL_ADDRESS}${role === 'embedding' ? ', on cpu' : ''}.\n`,
    );
  });
});
