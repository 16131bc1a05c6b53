import { fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cudaEnvironment, cudaFault, findCuda } from '../../../core/cuda/find-cuda.ts';
import type { OnnxRuntime } from '../../../core/cuda/onnx-runtime.ts';
import {
  type InstallOptions,
  type InstallProgress,
  installCuda,
  type Machine,
} from '../../../local/cuda/install-cuda.ts';
import { zipFile } from '../../support/zip-file.ts';
import {
  BIG,
  cuda13Wheels,
  makeRuntime,
  makeWheel,
  nvidia,
  type PackageServer,
  providerLibrary,
  startPackageServer,
  VERSION,
} from './packages.ts';

const CUDNN = 'nvidia_cudnn_cu13-9.28.1.4-py3-none-manylinux_2_27_x86_64.whl';

let folder: string;
let env: NodeJS.ProcessEnv;
let server: PackageServer;
let runtime: OnnxRuntime;
let machine: Partial<Machine>;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'install-cuda-test-'));
  server = await startPackageServer(cuda13Wheels());
  runtime = await makeRuntime(join(folder, 'runtime'));
  env = {
    PLIMSOLL_CACHE: join(folder, 'cache'),
    PIP_INDEX_URL: `${server.url}/simple`,
    PLIMSOLL_NUGET: `${server.url}/nuget/index.json`,
  };
  machine = { platform: 'linux', glibc: '2.36', runtime, driver: { version: '580.65.06', capability: '9.0' } };
  lines = [];
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const install = (options: Partial<InstallOptions> = {}) =>
  installCuda({ env, machine, report: (line) => lines.push(line), pause: async () => {}, ...options });

const place = () => join(folder, 'cache', 'cuda', `${VERSION}-x64`);
const library = (name: string) => readFile(join(place(), 'lib', name), 'utf8');
const failure = (options: Partial<InstallOptions> = {}) =>
  install(options).then(
    () => undefined,
    (error: Error & { code?: string }) => error,
  );
const bringWheels = async (wheels = server.wheels) => {
  const from = await mkdtemp(join(folder, 'brought-'));
  for (const { file, bytes } of wheels) await writeFile(join(from, file), bytes);
  return from;
};

describe('the installation', () => {
  test('has the provider, all that it needs, the core beside it, and the licences; and nothing else', async () => {
    const { installation, wasThere } = await install();
    expect(wasThere).toBe(false);
    expect((await readdir(join(place(), 'lib'))).sort()).toEqual([
      ...['libcublasLt.so.13', 'libcudart.so.13', 'libcudnn.so.9', 'libcufft.so.12', 'libnvJitLink.so.13'],
      ...['libonnxruntime.so.1', 'libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'],
    ]);
    expect(await library('libonnxruntime.so.1')).toBe(`core ${VERSION}`);
    expect(await readdir(join(place(), 'licences', 'onnxruntime-gpu'))).toEqual(['LICENSE', 'ThirdPartyNotices.txt']);
    expect(await readFile(join(place(), 'licences/nvidia-cublas/License.txt'), 'utf8')).toBe('terms of nvidia-cublas');
    expect(installation).toMatchObject({ onnxruntime: VERSION, cuda: 13, folder: place() });
    expect(await readdir(join(folder, 'cache', 'cuda', '.installing'))).toEqual([]);
  });

  test('has the newest version that the requirements allow', async () => {
    const { installation } = await install();
    expect(await library('libcudart.so.13')).toBe('cudart');
    expect(installation.packages).toContainEqual({ name: 'nvidia-cuda-runtime', version: '13.10.2' });
  });

  test('is found, and leads the dynamic linker to its libraries before all others', async () => {
    await install();
    const found = findCuda(env, runtime);
    expect(found.state).toBe('installed');
    expect(cudaFault(found)).toBeUndefined();
    const lib = join(place(), 'lib');
    expect(cudaEnvironment(env, runtime)).toEqual({ LD_LIBRARY_PATH: lib });
    expect(cudaEnvironment({ ...env, LD_LIBRARY_PATH: '/opt/lib' }, runtime)).toEqual({
      LD_LIBRARY_PATH: `${lib}:/opt/lib`,
    });
  });

  test('lies in the folder of PLIMSOLL_CUDA, if that is named', async () => {
    env.PLIMSOLL_CUDA = join(folder, 'elsewhere');
    const { installation } = await install();
    expect(installation.folder).toBe(join(folder, 'elsewhere', `${VERSION}-x64`));
    expect(findCuda(env, runtime).state).toBe('installed');
    expect(await readdir(folder)).not.toContain('cache');
  });

  test('stays as it is if it is whole, and asks no server', async () => {
    await install();
    server.requests.length = 0;
    expect(await install()).toMatchObject({ wasThere: true });
    expect(server.requests).toEqual([]);
  });

  test('is made anew if a library is gone or cut short, which is named', async () => {
    await install();
    await rm(join(place(), 'lib', 'libcudart.so.13'));
    await truncate(join(place(), 'lib', 'libcudnn.so.9'), 10);
    expect(cudaFault(findCuda(env, runtime))).toBe(`libcudart.so.13, libcudnn.so.9 are missing in ${place()}`);
    expect(cudaEnvironment(env, runtime)).toEqual({});
    expect(await install()).toMatchObject({ wasThere: false });
    expect((await stat(join(place(), 'lib', 'libcudnn.so.9'))).size).toBe(BIG.length);
  });

  test('is for one version of ONNX Runtime: after an upgrade, both versions are named, and the old one stays', async () => {
    await install();
    const upgraded = await makeRuntime(join(folder, 'upgraded'), '9.9.0');
    expect(cudaFault(findCuda(env, upgraded))).toBe(
      `the CUDA libraries are for ONNX Runtime ${VERSION}, and this is 9.9.0`,
    );
    expect(cudaEnvironment(env, upgraded)).toEqual({});
    const error = await failure({ machine: { ...machine, runtime: upgraded } });
    expect(error?.message).toContain('there is no wheel of onnxruntime-gpu==9.9.0 for x86_64');
    expect(findCuda(env, runtime).state).toBe('installed');
  });

  test('shows its progress in bytes of what is known to be needed', async () => {
    const seen: InstallProgress[] = [];
    await install({ onProgress: (progress) => seen.push(progress) });
    const last = seen.at(-1) as InstallProgress;
    expect(last).toEqual({ file: expect.any(String), received: last.total, downloaded: last.total, total: last.total });
    expect(new Set(seen.map(({ file }) => file)).size).toBe(6);
  });

  test('comes from an index that answers with pages, too', async () => {
    server.html = true;
    await install();
    expect(findCuda(env, runtime).state).toBe('installed');
  });

  test('replaces a package that a later requirement rules out', async () => {
    server.wheels = server.wheels.filter(({ file }) => !file.startsWith('nvidia_cublas'));
    const requires = [
      'nvidia-cuda-runtime<13.5; platform_system == "Linux"',
      'nvidia-nothing; sys_platform == "win32"',
    ];
    server.wheels.push(nvidia('nvidia-cublas', '13.0.0', { 'cu13/lib/libcublasLt.so.13': 'cublasLt' }, requires));
    await install();
    expect(await library('libcudart.so.13')).toBe('old');
  });
});

describe('a download', () => {
  test('that was broken off goes on where it was', async () => {
    const half = 60_000;
    let refuses = true;
    server.intercept = (url, response) => {
      if (!url.endsWith(CUDNN) || !refuses) return false;
      const { bytes } = server.wheels.find(({ file }) => file === CUDNN) as { bytes: Buffer };
      const asked = server.requests.at(-1)?.headers.range;
      if (asked !== undefined) response.writeHead(503).end();
      else {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, half), () => setTimeout(() => response.destroy(), 50));
      }
      return true;
    };
    const error = await failure();
    expect(error).toMatchObject({
      code: 'PackageUnavailable',
      message: expect.stringContaining('What has come is kept'),
    });
    const early = server.downloads();
    refuses = false;
    server.requests.length = 0;
    await install();
    const resumed = server.requests.find(({ url }) => url.endsWith(CUDNN));
    const from = Number(/^bytes=(\d+)-$/.exec(resumed?.headers.range ?? '')?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(half);
    // What had been unpacked is not fetched again.
    expect(server.downloads().filter((file) => early.includes(file))).toEqual([CUDNN]);
    expect(await readFile(join(place(), 'lib', 'libcudnn.so.9'))).toEqual(BIG);
  });

  test('with another hash than the index states is refused, and nothing of it is kept', async () => {
    const right = server.hashOf;
    server.hashOf = (wheel) => (wheel.file === CUDNN ? 'ab'.repeat(32) : right(wheel));
    const error = await failure();
    expect(error).toMatchObject({ code: 'PackageInvalid' });
    expect(error?.message).toMatch(
      new RegExp(`${CUDNN.replaceAll('.', '\\.')} does not have the hash that the index states`),
    );
    expect(findCuda(env, runtime).state).toBe('absent');
  });

  test('without a stated hash is not used', async () => {
    server.html = true;
    server.hashOf = () => 'none';
    expect((await failure())?.message).toContain(`there is no wheel of onnxruntime-gpu==${VERSION}`);
    expect(server.downloads()).toEqual([]);
  });

  test('whose library differs from what the wheel states of it is refused', async () => {
    server.wheels = server.wheels.filter(({ file }) => !file.startsWith('nvidia_nvjitlink'));
    const path = 'nvidia/cu13/lib/libnvJitLink.so.13';
    const content = {
      name: 'nvidia-nvjitlink',
      version: '13.6.0',
      files: { [path]: 'right' },
      damage: { [path]: 'wrong' },
    };
    server.wheels.push(makeWheel(content));
    expect(await failure()).toMatchObject({
      code: 'PackageInvalid',
      message: expect.stringContaining(`holds a ${path} that differs from what the package states of it`),
    });
  });

  test('sends the password of PIP_INDEX_URL to the index, and shows it to nobody', async () => {
    env.PIP_INDEX_URL = `${server.url.replace('://', '://user:s%40cret@')}/simple/`;
    await install();
    const basic = `Basic ${Buffer.from('user:s@cret').toString('base64')}`;
    expect(server.requests[0]?.headers.authorization).toBe(basic);
    server.intercept = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    await rm(place(), { recursive: true });
    const error = await failure();
    expect(error?.message).toMatch(/answers 401/);
    expect(JSON.stringify([error?.message, lines])).not.toMatch(/cret/);
  });
});

describe('two installations at once', () => {
  test('end well twice, and download once', async () => {
    const child = async () => {
      const process = fork(join(import.meta.dirname, 'install-process.ts'), {
        env: { ...globalThis.process.env, ...env, TEST_RUNTIME: JSON.stringify(runtime) },
        execArgv: [],
      });
      return new Promise<unknown>((resolve, reject) => {
        process.on('message', resolve);
        process.on('exit', (code) => reject(new Error(`it ended with ${code}`)));
      });
    };
    const outcomes = await Promise.all([child(), child()]);
    expect(outcomes.map(String).sort()).toEqual(['false', 'true']);
    expect(server.downloads().length).toBe(new Set(server.downloads()).size);
  });
});

describe('without a network', () => {
  const unreachable = { PIP_INDEX_URL: 'http://127.0.0.1:1/simple' };

  test('the error names the files to bring, the folder to put them into, and the commands', async () => {
    Object.assign(env, unreachable);
    const error = await failure();
    expect(error?.code).toBe('PackageUnavailable');
    const packages = join(folder, 'cache', 'cuda', 'packages');
    for (const said of [
      '127.0.0.1:1 does not answer (ECONNREFUSED)',
      `Or bring these files to ${packages}:`,
      `  onnxruntime_gpu-${VERSION}-cp*-manylinux*_x86_64.whl`,
      '  nvidia_cudnn_cu13-*-py3-none-manylinux*_x86_64.whl  (nvidia-cudnn-cu13~=9.0)',
      '  nvidia_cublas-*-py3-none-manylinux*_x86_64.whl  (nvidia-cublas~=13.0)',
      `pip download --only-binary=:all: --python-version 3.12`,
      `"onnxruntime-gpu[cuda,cudnn]==${VERSION}"`,
      `plimsoll install-cuda --cuda 13 --from ${packages}`,
    ])
      expect(error?.message).toContain(said);
  });

  test('wheels that were brought are installed, and stay where they are', async () => {
    const from = await bringWheels();
    Object.assign(env, unreachable);
    await install({ from });
    expect(findCuda(env, runtime).state).toBe('installed');
    expect((await readdir(from)).length).toBe(server.wheels.length);
    expect(server.requests).toEqual([]);
  });

  test('a wheel that was not brought is named, also one that only another wheel needs', async () => {
    const from = await bringWheels(server.wheels.filter(({ file }) => !file.startsWith('nvidia_nvjitlink')));
    const error = await failure({ from });
    expect(error?.code).toBe('PackageUnavailable');
    expect(error?.message).toContain(`${from} has no wheel of nvidia-nvjitlink`);
    expect(error?.message).toContain(`Bring these files to ${from}:`);
  });

  test.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 1000), 'is no archive, or is damaged'],
    [
      'overwritten',
      (bytes: Buffer) => Buffer.from(bytes).fill(0xff, 1000, 2000),
      'holds a nvidia/cudnn/lib/libcudnn.so.9 that differs',
    ],
    // The compressed data begin behind a header of 30 bytes and a name of 30.
    [
      'overwritten where it can not be decompressed',
      (bytes: Buffer) => Buffer.from(bytes).fill(0xff, 60, 80),
      'is damaged',
    ],
  ])('a wheel that was brought %s is refused', async (_, damaged, said) => {
    const from = await bringWheels();
    await writeFile(join(from, CUDNN), damaged(await readFile(join(from, CUDNN))));
    expect(await failure({ from })).toMatchObject({
      code: 'PackageInvalid',
      message: expect.stringContaining(`${CUDNN} ${said}`),
    });
    expect(findCuda(env, runtime).state).toBe('absent');
  });
});

describe('CUDA 12', () => {
  const native = 'runtimes/linux-x64/native';

  beforeEach(() => {
    machine.driver = { version: '550.90.07', capability: '8.0' };
    server.wheels = [
      nvidia('nvidia-cuda-nvrtc-cu12', '12.9.86', { 'cuda_nvrtc/lib/libnvrtc.so.12': 'nvrtc' }),
      nvidia('nvidia-cuda-runtime-cu12', '12.9.79', { 'cuda_runtime/lib/libcudart.so.12': 'cudart' }),
      nvidia('nvidia-cufft-cu12', '11.4.1.4', { 'cufft/lib/libcufft.so.11': 'cufft' }, ['nvidia-nvjitlink-cu12']),
      nvidia('nvidia-curand-cu12', '10.3.9.90', { 'curand/lib/libcurand.so.10': 'curand' }),
      nvidia('nvidia-cudnn-cu12', '9.9.0.52', { 'cudnn/lib/libcudnn.so.9': 'cudnn' }, ['nvidia-cublas-cu12']),
      nvidia('nvidia-cublas-cu12', '12.9.3.13', { 'cublas/lib/libcublasLt.so.12': 'cublasLt' }),
      nvidia('nvidia-nvjitlink-cu12', '12.9.86', { 'nvjitlink/lib/libnvJitLink.so.12': 'nvjitlink' }),
    ];
    server.nuget = { name: 'Microsoft.ML.OnnxRuntime.Gpu.Linux', version: VERSION, bytes: nupkg(12) };
  });

  const nupkg = (cuda: number) =>
    zipFile([
      { name: `${native}/libonnxruntime_providers_cuda.so`, content: providerLibrary(cuda) },
      { name: `${native}/libonnxruntime_providers_shared.so`, content: 'shared' },
      { name: `${native}/libonnxruntime_providers_tensorrt.so`, content: 'not wanted' },
      { name: 'LICENSE', content: 'MIT' },
    ]);

  test('is chosen for an older driver: the provider comes from NuGet, the libraries from the package index', async () => {
    const { installation } = await install();
    expect(installation.cuda).toBe(12);
    expect(await readdir(join(place(), 'lib'))).toEqual([
      ...['libcublasLt.so.12', 'libcudart.so.12', 'libcudnn.so.9', 'libcufft.so.11', 'libcurand.so.10'],
      ...['libnvJitLink.so.12', 'libnvrtc.so.12', 'libonnxruntime.so.1'],
      ...['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'],
    ]);
    expect(findCuda(env, runtime).state).toBe('installed');
  });

  test('refuses a provider that was built for another version', async () => {
    server.nuget = { name: 'Microsoft.ML.OnnxRuntime.Gpu.Linux', version: VERSION, bytes: nupkg(13) };
    expect((await failure())?.message).toContain('holds a provider for CUDA 13, not 12');
  });

  test('can be brought by hand; the error names the package of NuGet', async () => {
    const from = await bringWheels();
    const name = `microsoft.ml.onnxruntime.gpu.linux.${VERSION}.nupkg`;
    expect((await failure({ from }))?.message).toContain(`  ${name}\n`);
    await writeFile(join(from, name), nupkg(12));
    await install({ from });
    expect(findCuda(env, runtime).state).toBe('installed');
  });

  test('takes the place of CUDA 13, and the other way round', async () => {
    await install();
    server.wheels.push(...cuda13Wheels());
    expect((await install({ cuda: 13 })).installation.cuda).toBe(13);
    expect(await readdir(join(place(), 'lib'))).not.toContain('libcudart.so.12');
    expect(lines.join('\n')).toContain('Driver 550.90.07 (compute capability 8.0) does not run CUDA 13');
  });
});

describe('a machine that can not use it is refused', () => {
  test.each([
    ['macOS', { platform: 'darwin' }, 'This is darwin on x64.'],
    ['Windows', { platform: 'win32' }, 'This is win32 on x64.'],
    ['Alpine', { glibc: undefined }, 'This is Linux without glibc.'],
    ['no driver', { driver: undefined }, '--cuda 13 (driver 580 or later'],
    ['an old driver', { driver: { version: '470.1', capability: undefined } }, 'NVIDIA driver 470.1 is too old'],
  ])('%s', async (_, changed: Partial<Machine>, said) => {
    const error = await failure({ machine: { ...machine, ...changed } });
    expect(error).toMatchObject({ code: 'CudaUnsupported', message: expect.stringContaining(said) });
    expect(server.requests).toEqual([]);
  });

  test('arm64 with CUDA 12; with CUDA 13 it gets its own wheels', async () => {
    const arm = { ...machine, runtime: { ...runtime, arch: 'arm64' } };
    expect((await failure({ machine: arm, cuda: 12 }))?.message).toContain('no provider of CUDA 12 for arm64');
    expect((await failure({ machine: arm }))?.message).toContain('for aarch64');
  });

  test('an older glibc than the wheels need', async () => {
    const error = await failure({ machine: { ...machine, glibc: '2.27' } });
    expect(error?.message).toContain('for x86_64 with glibc 2.27');
  });
});
