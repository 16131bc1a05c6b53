import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../core/artifact/write-durably.ts';
import {
  CUDA_PROVIDER,
  type CudaInstallation,
  type CudaMajor,
  type CudaManifest,
  cudaRoot,
  findCuda,
  installationFolder,
  libraryFolderOf,
  MANIFEST,
  readInstallation,
} from '../../core/cuda/find-cuda.ts';
import { CORE_LIBRARY, type OnnxRuntime, onnxRuntime } from '../../core/cuda/onnx-runtime.ts';
import { UserError } from '../../core/errors.ts';
import type { Connection } from '../download/connection.ts';
import { diskError } from '../download/disk-error.ts';
import { digestOf, downloadFile } from '../download/download-file.ts';
import { DownloadFault, type Retries } from '../download/retrying.ts';
import { writeSynced } from '../download/write-synced.ts';
import { withProcessLock } from '../process-lock.ts';
import { chooseCuda, findDriver, type NvidiaDriver } from './driver.ts';
import { type CudaTarget, packagesUnavailable } from './install-errors.ts';
import { folderSource } from './package-folder.ts';
import { indexSettingsFrom, indexSource, openIndexConnection, withSize } from './package-index.ts';
import { type IndexedPackage, PackageMissingError, type PackageSource, type SourcedPackage } from './package-source.ts';
import { linkedCuda, NUGET_PACKAGE, PROVIDER_EXTRAS, PROVIDER_PACKAGE, REQUIREMENTS } from './provider.ts';
import { type Requirement, satisfies, shownRequirement } from './requirements.ts';
import { type UnpackedPackage, unpack } from './unpack.ts';
import { newestWheel, systemGlibc, WHEEL_ARCHITECTURES, type WheelPlatform } from './wheels.ts';

export interface InstallOptions {
  /** Source of PLIMSOLL_CUDA, PLIMSOLL_CACHE, PIP_INDEX_URL, PLIMSOLL_NUGET, PATH and the proxies. */
  env: NodeJS.ProcessEnv;
  /** Without it, the driver decides. */
  cuda?: CudaMajor | undefined;
  /** A folder with packages that were brought by hand. No network is used. */
  from?: string | undefined;
  onProgress?: (progress: InstallProgress) => void;
  /** Receives lines for people. */
  report?: (line: string) => void;
  pause?: Retries['pause'];
  signal?: AbortSignal | undefined;
  /** The machine. Default: this one. */
  machine?: Partial<Machine>;
}

export interface Machine {
  platform: string;
  /** Undefined where there is no glibc. */
  glibc: string | undefined;
  runtime: OnnxRuntime;
  driver: NvidiaDriver | undefined;
}

export interface InstallProgress {
  /** The package that is being downloaded. */
  file: string;
  /** Bytes of all packages that are there. */
  received: number;
  /** Bytes that this installation has downloaded. An earlier one may have left the others. */
  downloaded: number;
  /** Bytes of all packages that are known to be needed. A package may need more. */
  total: number;
}

export interface InstallOutcome {
  installation: CudaInstallation;
  /** Whether it was there before. */
  wasThere: boolean;
  /** Installations for other versions of ONNX Runtime. */
  others: string[];
}

/**
 * Installs the CUDA provider of ONNX Runtime and the libraries of CUDA into the cache. Several processes may do so at
 * once. The libraries appear when all of them are there and checked. A download that was broken off goes on where it
 * was.
 *
 * @throws UserError CudaUnsupported, PackageUnavailable, PackageInvalid, DiskFull or InvalidSetting
 */
export async function installCuda(options: InstallOptions): Promise<InstallOutcome> {
  const { env, report = () => {}, signal } = options;
  const machine = await machineOf(options);
  const { runtime } = machine;
  const platform = wheelPlatform(machine);
  const target = {
    cuda: chooseCuda(machine.driver, options.cuda, report),
    version: runtime.version,
    arch: runtime.arch,
  };
  if (target.cuda === 12 && runtime.arch !== 'x64')
    throw new UserError('CudaUnsupported', `ONNX Runtime has no provider of CUDA 12 for ${runtime.arch}.`);
  const folder = installationFolder(env, runtime);
  const staging = join(cudaRoot(env), '.installing', `${runtime.version}-${runtime.arch}`);
  const place = { folder, staging };
  const onWait = (pid: number) => report(`Process ${pid} is installing it already; waiting for that`);
  try {
    return await withProcessLock(`${staging}.lock`, { onWait, signal }, async () => {
      const found = findCuda(env, runtime);
      const isThere = found.state === 'installed' && found.installation.cuda === target.cuda;
      if (!isThere) await install(target, place, platform, runtime, options);
      const installation = readInstallation(folder);
      if (installation === undefined) throw new Error(`${folder} was removed as soon as it was there.`);
      return { installation, wasThere: isThere, others: await otherFolders(env, folder) };
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw diskError(error, { name: 'the CUDA libraries', folder });
  }
}

async function machineOf({ env, machine }: InstallOptions): Promise<Machine> {
  return {
    platform: machine?.platform ?? process.platform,
    glibc: machine !== undefined && 'glibc' in machine ? machine.glibc : systemGlibc(),
    runtime: machine?.runtime ?? onnxRuntime(),
    driver: machine !== undefined && 'driver' in machine ? machine.driver : await findDriver(env),
  };
}

/** @throws UserError CudaUnsupported */
function wheelPlatform({ platform, glibc, runtime: { arch } }: Machine): WheelPlatform {
  if (platform === 'linux' && glibc !== undefined && WHEEL_ARCHITECTURES[arch] !== undefined) return { arch, glibc };
  const system = platform === 'linux' && glibc === undefined ? 'Linux without glibc' : `${platform} on ${arch}`;
  throw new UserError(
    'CudaUnsupported',
    `CUDA can be installed on Linux with glibc, on x64 or arm64. This is ${system}.`,
  );
}

/** Paths that belong to an installation. */
interface Place {
  /** It appears whole. */
  folder: string;
  /** Downloads and unpacked packages, until the installation is whole. */
  staging: string;
}

async function install(
  target: CudaTarget,
  place: Place,
  platform: WheelPlatform,
  runtime: OnnxRuntime,
  { env, from, pause, signal, report = () => {}, onProgress }: InstallOptions,
): Promise<void> {
  const retries: Retries = { report, signal, ...(pause === undefined ? {} : { pause }) };
  const index = from === undefined ? indexSettingsFrom(env) : undefined;
  const connection = index === undefined ? undefined : openIndexConnection(index, env);
  const source =
    index === undefined || connection === undefined
      ? await folderSource(from as string)
      : indexSource(index, connection, env, retries);
  const fetching = createFetching(place, { source, connection, retries, report, onProgress });
  const known: Requirement[] = [];
  try {
    await mkdir(place.staging, { recursive: true });
    const packages = await fetchAll(target, platform, fetching, known);
    report('Putting the libraries in place');
    await putInPlace(target, place, runtime, packages);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof DownloadFault) && !(error instanceof PackageMissingError)) throw error;
    const place = from === undefined ? { folder: join(cudaRoot(env), 'packages') } : { folder: from, isSource: true };
    throw packagesUnavailable(error, target, { known, ...place });
  } finally {
    await source.close();
  }
}

/** A package that is unpacked. */
interface Fetched extends UnpackedPackage {
  name: string;
  version: string;
  folder: string;
}

/**
 * Fetches the provider, what it needs, and what that needs. A package whose version a later requirement rules out is
 * replaced.
 *
 * @param known receives all requirements
 */
async function fetchAll(
  target: CudaTarget,
  platform: WheelPlatform,
  fetching: Fetching,
  known: Requirement[],
): Promise<Fetched[]> {
  const provider = await fetchProvider(target, platform, fetching);
  const packages = new Map<string, Fetched>();
  let open = target.cuda === 12 ? [...REQUIREMENTS[12]] : providerRequirements(provider);
  while (open.length > 0) {
    known.push(...open);
    const wanted = await Promise.all(
      [...new Set(open.map(({ name }) => name))].flatMap((name) => {
        const specifiers = known.filter((each) => each.name === name).flatMap((each) => each.specifiers);
        const there = packages.get(name);
        if (there !== undefined && satisfies(there.version, specifiers)) return [];
        return [findWheel({ name, specifiers, extra: undefined }, platform, fetching.source)];
      }),
    );
    const fetched = await fetching.fetch(wanted);
    for (const each of fetched) packages.set(each.name, each);
    open = fetched.flatMap(({ metadata }) => metadata?.requirements.filter(({ extra }) => extra === undefined) ?? []);
  }
  return [provider, ...packages.values()];
}

async function fetchProvider(
  { cuda, version }: CudaTarget,
  platform: WheelPlatform,
  fetching: Fetching,
): Promise<Fetched> {
  const found =
    cuda === 12
      ? await fetching.source.nuget(NUGET_PACKAGE, version)
      : await findWheel(
          // The provider works with the core of its own version alone.
          { name: PROVIDER_PACKAGE, specifiers: [`==${version}`], extra: undefined },
          platform,
          fetching.source,
        );
  const [provider] = (await fetching.fetch([found])) as [Fetched];
  const linked = await linkedCuda(join(provider.folder, 'lib', CUDA_PROVIDER)).catch(() => undefined);
  if (linked === cuda) return provider;
  throw new UserError(
    'PackageInvalid',
    linked === undefined
      ? `${found.file} holds no CUDA provider.`
      : `${found.file} holds a provider for CUDA ${linked}, not ${cuda}.`,
  );
}

/** @throws UserError PackageInvalid */
function providerRequirements({ name, version, metadata }: Fetched): Requirement[] {
  const needed = metadata?.requirements.filter(({ extra }) => extra !== undefined && PROVIDER_EXTRAS.includes(extra));
  if (needed !== undefined && needed.length > 0) return needed;
  throw new UserError('PackageInvalid', `${name} ${version} does not say which libraries of CUDA it needs.`);
}

/** @throws PackageMissingError */
async function findWheel(
  requirement: Requirement,
  platform: WheelPlatform,
  source: PackageSource,
): Promise<SourcedPackage> {
  const wheels = await source.wheels(requirement.name);
  const found = newestWheel(wheels, requirement, platform);
  if (found !== undefined) return found;
  throw new PackageMissingError(
    `there is no wheel of ${shownRequirement(requirement)} for ${WHEEL_ARCHITECTURES[platform.arch]} with glibc ${platform.glibc}`,
  );
}

interface Fetching {
  source: PackageSource;
  /** Downloads and unpacks packages, unless an earlier installation did. */
  fetch(wanted: readonly SourcedPackage[]): Promise<Fetched[]>;
}

interface FetchingOptions {
  source: PackageSource;
  connection: Connection | undefined;
  retries: Retries;
  report: (line: string) => void;
  onProgress: InstallOptions['onProgress'];
}

function createFetching({ staging }: Place, options: FetchingOptions): Fetching {
  const { source, connection, retries, report, onProgress } = options;
  let [total, before, downloadedBefore] = [0, 0, 0];

  /** Downloads a package to its part, which is named by its hash. */
  async function download(found: IndexedPackage): Promise<string> {
    const { file, url, stated } = found;
    const target = join(staging, `${file}.${digestOf(stated.hash).slice(0, 16)}`);
    let downloaded = 0;
    await downloadFile(
      {
        ...{ connection: connection as Connection, url, file: stated, target },
        onBytes(bytes, ofThem) {
          downloaded = ofThem;
          onProgress?.({ file, received: before + bytes, downloaded: downloadedBefore + ofThem, total });
        },
        mismatch: (what) =>
          new UserError(
            'PackageInvalid',
            `${url} ${what} that the index states for it. Nothing of it was kept. Try again, or tell whoever runs the index.`,
          ),
      },
      retries,
    );
    downloadedBefore += downloaded;
    return target;
  }

  async function fetchOne(found: SourcedPackage): Promise<Fetched> {
    const folder = join(staging, 'unpacked', found.file);
    const unpacked = (await readUnpacked(folder)) ?? (await unpackInto(folder, found));
    before += sizeOf(found);
    retries.signal?.throwIfAborted();
    return { name: found.name, version: found.version, folder, metadata: unpacked.metadata };
  }

  async function unpackInto(folder: string, found: SourcedPackage): Promise<UnpackedPackage> {
    const archive = 'path' in found ? found.path : await download(found);
    report(`Unpacking ${found.file}`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const unpacked = await unpack(archive, folder);
    await writeFile(join(folder, UNPACKED), JSON.stringify(unpacked));
    // What was brought by hand stays.
    if (!('path' in found)) await rm(archive);
    return unpacked;
  }

  return {
    source,
    async fetch(wanted) {
      const sized: SourcedPackage[] = [];
      for (const found of wanted)
        sized.push(connection === undefined ? found : await withSize(connection, found, retries));
      total += sized.reduce((sum, found) => sum + sizeOf(found), 0);
      const fetched: Fetched[] = [];
      for (const found of sized) fetched.push(await fetchOne(found));
      return fetched;
    },
  };
}

/** Written when all files of a package are unpacked and checked. */
const UNPACKED = 'unpacked.json';

async function readUnpacked(folder: string): Promise<UnpackedPackage | undefined> {
  const text = await readFile(join(folder, UNPACKED), 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as UnpackedPackage);
  } catch {
    return undefined;
  }
}

const sizeOf = (found: SourcedPackage): number => ('path' in found ? found.size : found.stated.size);

/** Makes a folder of the unpacked packages and ONNX Runtime's core, and moves it into its place at once. */
async function putInPlace(
  { cuda, version }: CudaTarget,
  { folder, staging }: Place,
  runtime: OnnxRuntime,
  packages: readonly Fetched[],
): Promise<void> {
  const made = join(staging, 'installation');
  await rm(made, { recursive: true, force: true });
  const lib = libraryFolderOf(made);
  await mkdir(lib, { recursive: true });
  for (const { folder: unpacked, name } of packages) {
    // From here on, it would be taken for whole.
    await rm(join(unpacked, UNPACKED));
    for (const library of await namesIn(join(unpacked, 'lib')))
      await rename(join(unpacked, 'lib', library), join(lib, library));
    if ((await namesIn(join(unpacked, 'licences'))).length === 0) continue;
    await mkdir(join(made, 'licences'), { recursive: true });
    await rename(join(unpacked, 'licences'), join(made, 'licences', name));
  }
  await copyFile(join(runtime.folder, CORE_LIBRARY), join(lib, CORE_LIBRARY));
  const libraries = await Promise.all(
    (await namesIn(lib)).map(async (name) => ({ name, size: (await stat(join(lib, name))).size })),
  );
  const manifest: CudaManifest = {
    ...{ onnxruntime: version, cuda, installed_at: new Date().toISOString() },
    packages: packages.map(({ name, version }) => ({ name, version })),
    libraries,
  };
  await writeSynced(join(made, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const replaced = join(staging, 'replaced');
  await rm(replaced, { recursive: true, force: true });
  if ((await stat(folder).catch(() => undefined)) !== undefined) await rename(folder, replaced);
  await rename(made, folder);
  await syncFolder(dirname(folder));
  await rm(staging, { recursive: true });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function otherFolders(env: NodeJS.ProcessEnv, folder: string): Promise<string[]> {
  const folders = (await namesIn(cudaRoot(env))).map((name) => join(cudaRoot(env), name));
  return folders.filter((each) => each !== folder && readInstallation(each) !== undefined);
}
