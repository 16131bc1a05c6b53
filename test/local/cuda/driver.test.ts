import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cudaChecks } from '../../../cli/doctor/check-cuda.ts';
import type { CudaState } from '../../../core/cuda/find-cuda.ts';
import { chooseCuda, cudaOf, findDriver, type NvidiaDriver } from '../../../local/cuda/driver.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'driver-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const NONE = '/nonexistent';

describe('the driver', () => {
  async function told(output: string): Promise<NvidiaDriver | undefined> {
    const path = join(folder, 'nvidia-smi');
    await writeFile(path, `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`);
    await chmod(path, 0o755);
    return findDriver({ PATH: `${folder}:${process.env.PATH}` }, NONE);
  }

  test('is what nvidia-smi says, with the oldest GPU', async () => {
    expect(await told('580.65.06, 9.0\n580.65.06, 7.0')).toEqual({ version: '580.65.06', capability: '7.0' });
    expect(await told('450.80.02, [Not Supported]')).toEqual({ version: '450.80.02', capability: undefined });
    expect(await told('No devices were found')).toBeUndefined();
  });

  test.each([
    ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 09:35:42 UTC 2024', '550.90.07'],
    ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build', '580.65.06'],
  ])('is what the kernel says where there is no nvidia-smi: %s', async (text, version) => {
    const file = join(folder, 'version');
    await writeFile(file, `${text}\nGCC version:  gcc version 12.2.0\n`);
    expect(await findDriver({ PATH: '' }, file)).toEqual({ version, capability: undefined });
  });

  test('is none on a machine without one', async () => {
    expect(await findDriver({ PATH: '' }, NONE)).toBeUndefined();
  });

  test.each([
    ['580.65.06', '9.0', 13],
    ['600.1', undefined, 13],
    ['580.65.06', '7.0', 12],
    ['580.65.06', '7.5', 13],
    ['580.65.06', '12.0', 13],
    ['575.57.08', '9.0', 12],
    ['525.60.13', '8.0', 12],
    ['525.60.11', '8.0', undefined],
  ])('%s with a GPU of compute capability %s allows CUDA %s', (version, capability, cuda) => {
    expect(cudaOf({ version, capability })).toBe(cuda);
  });

  test('does not stop somebody who asks for a version, but is told of', () => {
    const lines: string[] = [];
    const report = (line: string) => lines.push(line);
    expect(chooseCuda(undefined, 13, report)).toBe(13);
    expect(chooseCuda({ version: '550.1', capability: undefined }, 13, report)).toBe(13);
    expect(chooseCuda({ version: '580.1', capability: undefined }, 12, report)).toBe(12);
    expect(lines).toEqual([
      'No NVIDIA driver is on this machine. CUDA 13 needs driver 580 or later.',
      expect.stringContaining('Driver 550.1 does not run CUDA 13, which needs driver 580 or later'),
    ]);
  });
});

describe('plimsoll doctor', () => {
  const driver = { version: '580.65.06', capability: '9.0' };
  const installed = (cuda: 12 | 13): CudaState => ({
    state: 'installed',
    libraryFolder: '/cache/cuda/1.30.0-x64/lib',
    installation: {
      ...{ onnxruntime: '1.30.0', cuda, installed_at: '', packages: [], libraries: [] },
      ...{ folder: '/cache/cuda/1.30.0-x64', sizeBytes: 1 },
    },
  });
  const absent: CudaState = { state: 'absent', folder: '/cache/cuda/1.30.0-x64' };
  const checks = (isAskedFor: boolean, present: NvidiaDriver | undefined, found: CudaState) =>
    cudaChecks({ isAskedFor, driver: present, found }).map(
      ({ name, state, found: said, advice }) => `${name}, ${state}: ${said}${advice === null ? '' : `. ${advice}`}`,
    );

  test('says nothing of CUDA where there is no GPU and none is asked for', () => {
    expect(checks(false, undefined, absent)).toEqual([]);
  });

  test('shows the driver and the libraries if all is well', () => {
    expect(checks(true, driver, installed(13))).toEqual([
      'NVIDIA driver, ok: 580.65.06 (compute capability 9.0), allows CUDA 13',
      'CUDA libraries, ok: CUDA 13 for ONNX Runtime 1.30.0, /cache/cuda/1.30.0-x64',
    ]);
  });

  test('names each library that is missing, and the command that mends it', () => {
    const missing = ['libcudnn.so.9', 'libcufft.so.12'];
    const found: CudaState = { state: 'incomplete', folder: '/cache/cuda/1.30.0-x64', missing };
    expect(checks(true, driver, found)[1]).toBe(
      'CUDA libraries, problem: libcudnn.so.9, libcufft.so.12 are missing in /cache/cuda/1.30.0-x64. Run: plimsoll install-cuda',
    );
  });

  test('names both versions after an upgrade of ONNX Runtime', () => {
    const found: CudaState = { state: 'other-version', folder: '/cache', wanted: '1.31.0', found: ['1.30.0'] };
    expect(checks(true, driver, found)[1]).toBe(
      'CUDA libraries, problem: the CUDA libraries are for ONNX Runtime 1.30.0, and this is 1.31.0. Run: plimsoll install-cuda',
    );
  });

  test('warns of a GPU that nothing asks for, and fails for one that is asked for and not there', () => {
    expect(checks(false, driver, absent)[1]).toMatch(/^CUDA libraries, warning: .*Run: plimsoll install-cuda$/);
    expect(checks(true, undefined, absent)).toEqual([
      "NVIDIA driver, problem: none on this machine. Install NVIDIA's driver, 580 or later.",
      expect.stringMatching(/^CUDA libraries, problem: /),
    ]);
  });

  test('names the version to install for a driver that does not run the installed one', () => {
    expect(checks(true, { version: '550.90', capability: undefined }, installed(13))[0]).toBe(
      'NVIDIA driver, problem: 550.90 does not run CUDA 13, which is installed. Update it to 580 or later, or run: plimsoll install-cuda --cuda 12',
    );
  });

  test('is content with a provider that lies beside the core', () => {
    expect(checks(true, driver, { state: 'beside-core', libraryFolder: '/x' })[1]).toMatch(/^CUDA libraries, ok: /);
  });
});
