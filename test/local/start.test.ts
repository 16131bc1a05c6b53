import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMember, type Member, type MemberSpec } from '../../local/member.ts';
import { awaitPrimary } from '../../local/mongod-server.ts';
import { awaitReadyMessage } from '../../local/ready-message.ts';
import type { Start } from '../../local/start-watch.ts';
import { awaitTemporal } from '../../local/temporal-server.ts';

const SILENT_LOOKS = 4;
const STARTER = fileURLToPath(new URL('processes/silent-starter.ts', import.meta.url));

let folder: string;
let lines: string[];
let members: Member[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-test-'));
  lines = [];
  members = [];
});

afterEach(async () => {
  await Promise.all(members.map((member) => member.stop()));
  await rm(folder, { recursive: true, force: true });
});

describe('a process that starts', () => {
  it.each(['log', 'work'])('is waited for as long as it shows signs of life: %s', async (sign) => {
    const { starting, child, tell, look } = await startSlowly();
    for (let looks = 0; looks < 5 * SILENT_LOOKS; looks++) {
      // One sign in many looks is enough.
      if (looks % (SILENT_LOOKS / 2) === 0) await tell(sign);
      await look();
    }
    expect(child.exitCode).toBeNull();
    await tell('ready');
    await starting;
  });

  it('is given up when it lives but shows none', async () => {
    const { starting, child, look } = await startSlowly();
    const outcome = starting.catch((error: unknown) => error);
    const exited = once(child, 'exit');
    while (child.exitCode === null && child.signalCode === null) await Promise.race([look(), exited]);
    expect(await outcome).toMatchObject({
      code: 'StartFailed',
      message: expect.stringMatching(
        /^api did not start: it runs, but shows no sign of life: .* while waiting for its message that it is ready/,
      ),
    });
    expect(child.signalCode).toBe('SIGTERM');
  });

  it('is reported: what it waits for, for how long, and where its log is', async () => {
    const { starting, child, tell, look } = await startSlowly();
    await look();
    expect(lines).toEqual([
      expect.stringMatching(/^api: waiting for \d+m?s for its message that it is ready; process \d+ .*, its log is \//),
    ]);
    expect(lines[0]).toContain(`process ${child.pid} `);
    for (let looks = 0; looks < 6; looks++) {
      await tell('log');
      await look();
    }
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`process ${child.pid} runs`);
    await tell('ready');
    await starting;
  });

  it('that ends is not waited for', async () => {
    const { starting, child } = await startSlowly();
    child.kill('SIGKILL');
    await expect(starting).rejects.toMatchObject({
      code: 'StartFailed',
      message: expect.stringContaining('it ended with SIGKILL'),
    });
  });

  it('that can not be run is an error that says so', async () => {
    const member = memberOf({ command: join(folder, 'missing'), args: [] });
    await expect(member.start()).rejects.toMatchObject({
      code: 'StartFailed',
      message: expect.stringContaining('ENOENT'),
    });
  });
});

describe('a server that accepts connections before it answers', () => {
  it.each([
    ['mongod', (port: number, start: Start) => awaitPrimary(port, undefined, start)],
    ['Temporal', (port: number, start: Start) => awaitTemporal(port, undefined, start)],
  ])('is asked again until the start is over: %s', async (_, awaitServer) => {
    await using server = await serveDisconnects();
    const over = new AbortController();
    const said: string[] = [];
    const refusals = () => said.filter((what) => what.endsWith(')'));
    const waiting = awaitServer(server.port, { signal: over.signal, waitsFor: (what) => said.push(what) });
    const outcome = waiting.catch((error: unknown) => error);
    await expect.poll(() => refusals().length).toBeGreaterThan(1);
    over.abort(new Error('it ended'));
    expect(await outcome).toBeInstanceOf(Error);
    expect(said[0]).toBe(`port ${server.port} to accept connections`);
  });
});

/** Starts a member whose process does only what it is told, and whose watch looks only when it is told. */
async function startSlowly() {
  const spawned = Promise.withResolvers<ChildProcess>();
  const looks = createTurnstile();
  const member = memberOf(
    {
      awaitReady(child, start) {
        spawned.resolve(child);
        return awaitReadyMessage(child, start);
      },
    },
    { pause: looks.pause, silentLooks: SILENT_LOOKS },
  );
  const starting = member.start();
  starting.catch(() => {});
  const child = await spawned.promise;
  await messageOf(child, 'listens');
  return {
    starting,
    child,
    look: looks.pass,
    async tell(order: string) {
      const done = messageOf(child, 'done');
      child.send(order);
      await done;
    },
  };
}

function memberOf(spec: Partial<MemberSpec>, watching?: Parameters<typeof createMember>[2]): Member {
  const member = createMember(
    {
      name: 'api',
      command: process.execPath,
      args: [STARTER],
      env: process.env,
      channel: 'ipc',
      logFile: join(folder, 'api.log'),
      tier: 0,
      graceMs: 60_000,
      awaitReady: awaitReadyMessage,
      ...spec,
    },
    { report: (line) => lines.push(line), changed: () => {}, over: () => false, failed: () => {} },
    watching,
  );
  members.push(member);
  return member;
}

/** Lets one look pass at a time: `pass` resolves when the look is over and the next one waits. */
function createTurnstile() {
  let open = Promise.withResolvers<void>();
  let waiting = Promise.withResolvers<void>();
  return {
    pause() {
      waiting.resolve();
      return open.promise;
    },
    async pass() {
      await waiting.promise;
      waiting = Promise.withResolvers<void>();
      open.resolve();
      open = Promise.withResolvers<void>();
      await waiting.promise;
    },
  };
}

function messageOf(child: ChildProcess, type: string): Promise<void> {
  return new Promise((resolve) => {
    const hear = (message: unknown) => {
      if ((message as { type?: unknown }).type !== type) return;
      child.off('message', hear);
      resolve();
    };
    child.on('message', hear);
  });
}

/** Accepts connections and closes each at once, as a server does that still starts. */
async function serveDisconnects() {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
