import { readFile } from 'node:fs/promises';
import type { CudaMajor } from '../../core/cuda/find-cuda.ts';
import { UserError } from '../../core/errors.ts';
import { compareVersions } from '../provision/binary.ts';
import { runClient } from '../provision/client.ts';

/** The NVIDIA driver of this machine. */
export interface NvidiaDriver {
  version: string;
  /** The lowest compute capability of its GPUs, such as `9.0`; undefined if the driver does not tell. */
  capability: string | undefined;
}

const ANSWER_WITHIN_MS = 30_000;

/** The oldest driver that runs programs of a major version of CUDA. */
export const OLDEST_DRIVER: Readonly<Record<CudaMajor, string>> = { 12: '525.60.13', 13: '580' };

/** CUDA 13 has no code for older GPUs (Maxwell, Pascal, Volta). */
const OLDEST_CAPABILITY_OF_13 = '7.5';

/** Asks `nvidia-smi`, then the kernel's module. Undefined if there is no driver. */
export async function findDriver(
  env: NodeJS.ProcessEnv,
  kernelFile = '/proc/driver/nvidia/version',
): Promise<NvidiaDriver | undefined> {
  const query = ['--query-gpu=driver_version,compute_cap', '--format=csv,noheader'];
  const told = await runClient('nvidia-smi', query, { env, timeoutMs: ANSWER_WITHIN_MS }).catch(() => '');
  const gpus = [...told.matchAll(/^(\d+(?:\.\d+)+), *(\d+\.\d+|\S.*)$/gm)];
  const [first] = gpus;
  if (first !== undefined) {
    const capabilities = gpus.flatMap(([, , capability = '']) => (/^\d+\.\d+$/.test(capability) ? [capability] : []));
    return { version: first[1] as string, capability: capabilities.sort(compareVersions)[0] };
  }
  const kernel = await readFile(kernelFile, 'utf8').catch(() => '');
  const version = /Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)/.exec(kernel)?.[1];
  return version === undefined ? undefined : { version, capability: undefined };
}

/** The newest major version of CUDA that a driver and its GPUs run; undefined if none. */
export function cudaOf({ version, capability }: NvidiaDriver): CudaMajor | undefined {
  const isOldGpu = capability !== undefined && compareVersions(capability, OLDEST_CAPABILITY_OF_13) < 0;
  if (compareVersions(version, OLDEST_DRIVER[13]) >= 0 && !isOldGpu) return 13;
  return compareVersions(version, OLDEST_DRIVER[12]) >= 0 ? 12 : undefined;
}

/** `580.65.06`, with the GPU's compute capability if it is known. */
export const shownDriver = ({ version, capability }: NvidiaDriver): string =>
  capability === undefined ? version : `${version} (compute capability ${capability})`;

/**
 * Chooses the major version by the driver, unless one is asked for.
 *
 * @throws UserError CudaUnsupported
 */
export function chooseCuda(
  driver: NvidiaDriver | undefined,
  asked: CudaMajor | undefined,
  report: (line: string) => void,
): CudaMajor {
  const allowed = driver === undefined ? undefined : cudaOf(driver);
  if (asked !== undefined) {
    if (driver === undefined)
      report(`No NVIDIA driver is on this machine. CUDA ${asked} needs driver ${OLDEST_DRIVER[asked]} or later.`);
    else if (allowed === undefined || allowed < asked)
      report(`Driver ${shownDriver(driver)} does not run CUDA ${asked}, which needs ${needs(asked)}.`);
    return asked;
  }
  if (driver === undefined)
    throw new UserError(
      'CudaUnsupported',
      'No NVIDIA driver is on this machine, so the version of CUDA can not be chosen by it. ' +
        `To install for another machine, name it: --cuda 13 (${needs(13)}), or --cuda 12 (${needs(12)}).`,
    );
  if (allowed === undefined)
    throw new UserError(
      'CudaUnsupported',
      `NVIDIA driver ${driver.version} is too old: CUDA 12 needs ${needs(12)}. Update the driver.`,
    );
  return allowed;
}

const needs = (cuda: CudaMajor): string =>
  `driver ${OLDEST_DRIVER[cuda]} or later${cuda === 13 ? `, and a GPU of compute capability ${OLDEST_CAPABILITY_OF_13} or higher` : ''}`;
