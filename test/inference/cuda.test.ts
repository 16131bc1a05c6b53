import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findCuda, installationFolder, MANIFEST } from '../../core/cuda/find-cuda.ts';
import { CORE_LIBRARY, onnxRuntime } from '../../core/cuda/onnx-runtime.ts';
import { openFrames } from '../../inference/frames.ts';
import { startPulsingProcess } from '../../inference/pulsing-process.ts';

const isLinux = process.platform === 'linux';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cuda-test-'));
  vi.stubEnv('PLIMSOLL_CACHE', cache);
  vi.stubEnv('PLIMSOLL_CUDA', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

/** An installation of the real core, and nothing else. */
async function installCore(): Promise<string> {
  const runtime = onnxRuntime();
  const folder = installationFolder(process.env, runtime);
  const core = join(folder, 'lib', CORE_LIBRARY);
  await mkdir(join(folder, 'lib'), { recursive: true });
  await copyFile(join(runtime.folder, CORE_LIBRARY), core);
  const libraries = [{ name: CORE_LIBRARY, size: (await stat(core)).size }];
  const manifest = { onnxruntime: runtime.version, cuda: 13, installed_at: '', packages: [], libraries };
  await writeFile(join(folder, MANIFEST), JSON.stringify(manifest));
  return core;
}

/** The files of ONNX Runtime that a started encoder process has loaded. */
async function loadedBy(pid: number): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
      const files = maps.split('\n').flatMap((line) => /\/\S*onnxruntime\S*\.(?:so\S*|node)$/.exec(line)?.[0] ?? []);
      const loaded = [...new Set(files)];
      if (loaded.length < 2) throw new Error(`loaded so far: ${loaded}`);
      return loaded;
    },
    { timeout: 30_000, interval: 50 },
  );
}

async function coreOfEncoder(): Promise<string | undefined> {
  const frames = openFrames();
  const program = {
    module: 'encoder',
    threads: 1,
    silenceTimeoutMs: 60_000,
    framesFd: frames.fd,
    execArgv: [],
  } as const;
  const child = startPulsingProcess(program, { onReply: () => {}, onExit: () => {} });
  try {
    const loaded = await loadedBy(child.pid as number);
    return loaded.find((file) => file.endsWith(CORE_LIBRARY));
  } finally {
    child.kill();
    await frames.close();
  }
}

test.runIf(isLinux)('an encoder process takes the core of ONNX Runtime from where CUDA is installed', async () => {
  const core = await installCore();
  expect(findCuda(process.env).state).toBe('installed');
  expect(await coreOfEncoder()).toBe(core);
});

test.runIf(isLinux)('an encoder process takes its own core if CUDA is not installed', async () => {
  expect(await coreOfEncoder()).toBe(join(onnxRuntime().folder, CORE_LIBRARY));
});
