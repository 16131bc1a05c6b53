/** Finds the CUDA provider and the CUDA libraries that `plimsoll install-cuda` put into the cache. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../cache-folder.ts';
import { type OnnxRuntime, onnxRuntime } from './onnx-runtime.ts';

/** A major version of CUDA. */
export type CudaMajor = 12 | 13;

export const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so';

export const MANIFEST = 'plimsoll-cuda.json';

const manifestSchema = z.object({
  /** The provider works with the core of this version alone. */
  onnxruntime: z.string(),
  cuda: z.union([z.literal(12), z.literal(13)]),
  installed_at: z.string(),
  packages: z.array(z.object({ name: z.string(), version: z.string() })),
  /** The libraries, in `lib`. */
  libraries: z.array(z.object({ name: z.string(), size: z.int() })),
});

/** The record of an installation. */
export type CudaManifest = z.infer<typeof manifestSchema>;

export interface CudaInstallation extends CudaManifest {
  folder: string;
  sizeBytes: number;
}

/** The state of the CUDA libraries for the installed ONNX Runtime. */
export type CudaState =
  | { state: 'installed'; installation: CudaInstallation; libraryFolder: string }
  /** The provider lies beside the core of onnxruntime-node. The system has the CUDA libraries, or not. */
  | { state: 'beside-core'; libraryFolder: string }
  | { state: 'incomplete'; folder: string; missing: string[] }
  /** There are libraries, but for other versions of ONNX Runtime. */
  | { state: 'other-version'; folder: string; wanted: string; found: string[] }
  | { state: 'absent'; folder: string };

/**
 * The folder that holds an installation for each version of ONNX Runtime: PLIMSOLL_CUDA, or one in the cache. An image
 * names a folder of its own, because a volume hides the cache folder.
 */
export const cudaRoot = (env: NodeJS.ProcessEnv): string =>
  env.PLIMSOLL_CUDA ? resolve(env.PLIMSOLL_CUDA) : join(cacheFolder(env), 'cuda');

/** The folder for a version of ONNX Runtime. */
export const installationFolder = (env: NodeJS.ProcessEnv, { version, arch }: OnnxRuntime): string =>
  join(cudaRoot(env), `${version}-${arch}`);

export const libraryFolderOf = (installation: string): string => join(installation, 'lib');

export function findCuda(env: NodeJS.ProcessEnv, runtime: OnnxRuntime = onnxRuntime()): CudaState {
  const folder = installationFolder(env, runtime);
  const installation = readInstallation(folder);
  if (installation !== undefined) {
    const libraryFolder = libraryFolderOf(folder);
    const missing = installation.libraries.filter(({ name, size }) => sizeOf(join(libraryFolder, name)) !== size);
    if (missing.length === 0) return { state: 'installed', installation, libraryFolder };
    return { state: 'incomplete', folder, missing: missing.map(({ name }) => name) };
  }
  if (existsSync(join(runtime.folder, CUDA_PROVIDER))) return { state: 'beside-core', libraryFolder: runtime.folder };
  const found = installedVersions(env, runtime);
  if (found.length > 0) return { state: 'other-version', folder, wanted: runtime.version, found };
  return { state: 'absent', folder };
}

/** Reads an installation. Undefined if there is none, or another program made the folder. */
export function readInstallation(folder: string): CudaInstallation | undefined {
  try {
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')));
    return { ...manifest, folder, sizeBytes: manifest.libraries.reduce((sum, { size }) => sum + size, 0) };
  } catch {
    return undefined;
  }
}

/** The versions of ONNX Runtime that have an installation on this architecture. */
export function installedVersions(env: NodeJS.ProcessEnv, { arch }: Pick<OnnxRuntime, 'arch'>): string[] {
  const ending = `-${arch}`;
  const names = namesIn(cudaRoot(env)).filter((name) => name.endsWith(ending));
  return names
    .filter((name) => readInstallation(join(cudaRoot(env), name)) !== undefined)
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

/**
 * The environment of a process that may run models with CUDA. ONNX Runtime looks for its providers beside its core, so
 * the core is taken from the cache, too: the dynamic linker looks into these folders before the binding's own.
 */
export function cudaEnvironment(
  env: NodeJS.ProcessEnv,
  runtime: OnnxRuntime = onnxRuntime(),
): { LD_LIBRARY_PATH?: string } {
  const found = findCuda(env, runtime);
  if (found.state !== 'installed') return {};
  const folders = [found.libraryFolder, env.LD_LIBRARY_PATH ?? ''].filter((folder) => folder !== '');
  return { LD_LIBRARY_PATH: folders.join(delimiter) };
}

/** Says what is wrong with the CUDA libraries; undefined if nothing is. */
export function cudaFault(found: CudaState): string | undefined {
  switch (found.state) {
    case 'incomplete':
      return `${found.missing.join(', ')} ${found.missing.length === 1 ? 'is' : 'are'} missing in ${found.folder}`;
    case 'other-version':
      return `the CUDA libraries are for ONNX Runtime ${found.found.join(', ')}, and this is ${found.wanted}`;
    case 'absent':
      return `the CUDA libraries are not in ${found.folder}`;
    default:
      return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
