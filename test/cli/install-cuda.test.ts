import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onnxRuntime } from '../../core/cuda/onnx-runtime.ts';
import { cuda13Wheels, type PackageServer, startPackageServer } from '../local/cuda/packages.ts';
import { bareEnvironment, runCommand, startCommand } from './command-bench.ts';

const { version, arch } = onnxRuntime();

let server: PackageServer;
let cache: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  server = await startPackageServer(cuda13Wheels(version));
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'plimsoll-cuda-'));
  env = { ...bareEnvironment(), PLIMSOLL_CACHE: cache, PIP_INDEX_URL: `${server.url}/simple` };
  server.intercept = undefined;
  return () => rm(cache, { recursive: true });
});

const installCuda = (...args: string[]) => runCommand(['install-cuda', ...args], { env });

/** The wheels are those of a Linux with glibc on x64. */
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('install-cuda', () => {
  const folder = () => join(cache, 'cuda', `${version}-${arch}`);

  it('installs, and says so in one line and in JSON', async () => {
    const first = await installCuda('--cuda', '13');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(`Installed: CUDA 13 for ONNX Runtime ${version}, `);
    expect(first.stdout).toMatch(`, in ${folder()}`);
    expect(first.stderr).toContain('PLIMSOLL_DEVICE=cuda');
    const second = await installCuda('--cuda', '13', '--json');
    expect(JSON.parse(second.stdout)).toEqual({
      ...{ cuda: 13, onnxruntime: version, folder: folder(), was_there: true },
      size_bytes: expect.any(Number),
      packages: expect.arrayContaining([{ name: 'nvidia-cudnn-cu13', version: '9.28.1.4' }]),
    });
  });

  it('makes what doctor finds; before, doctor names it and the command', async () => {
    Object.assign(env, { PLIMSOLL_DEVICE: 'cuda' });
    const found = async () => {
      const { stdout } = await runCommand(['doctor', '--json'], { env });
      const { checks } = JSON.parse(stdout) as { checks: { name: string }[] };
      return checks.find(({ name }) => name === 'CUDA libraries');
    };
    expect(await found()).toMatchObject({
      state: 'problem',
      found: `the CUDA libraries are not in ${folder()}`,
      advice: 'Run: plimsoll install-cuda',
    });
    await installCuda('--cuda', '13');
    expect(await found()).toMatchObject({ state: 'ok', found: `CUDA 13 for ONNX Runtime ${version}, ${folder()}` });
  });

  it('keeps what has come on Ctrl-C, and goes on from there', async () => {
    server.intercept = (url, response) => {
      if (!url.includes('/files/nvidia_cudnn')) return false;
      response.writeHead(200, { 'content-length': 200_000 });
      response.write(Buffer.alloc(1000));
      return true;
    };
    const command = startCommand(['install-cuda', '--cuda', '13'], { env });
    await command.says('nvidia_cudnn_cu13');
    command.child.kill('SIGINT');
    const stopped = await command.ended;
    expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining('what has come is kept') });
    server.intercept = undefined;
    server.requests.length = 0;
    expect(await installCuda('--cuda', '13')).toMatchObject({ code: 0 });
    expect(server.downloads().some((file) => file.startsWith('onnxruntime_gpu'))).toBe(false);
  });

  it('fails with a code that says what to do', async () => {
    const unknown = await installCuda('--cuda', '11');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('Allowed choices are 12, 13') });
    const { code, stdout } = await installCuda('--cuda', '13', '--from', join(cache, 'nowhere'), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'PackageUnavailable',
      message: expect.stringContaining(`${join(cache, 'nowhere')} can't be read: ENOENT`),
    });
  });
});
