import { chmod, rm } from 'node:fs/promises';
import { cacheFolder } from '../../core/cache-folder.ts';
import { LocalStackError, reasonOf } from '../errors.ts';
import { elapsed, type Report, silent } from '../report.ts';
import type { BinarySpec } from './binary.ts';
import { cacheEntry, checkEntry, createStaging, removeEntry, storeEntry, withCacheLock } from './cache.ts';
import { ClientStopped } from './client.ts';
import { findOnPath, inspectBinary } from './inspect.ts';
import { mongodBinary } from './mongod.ts';
import type { Origin } from './origin.ts';
import { createProgress } from './progress.ts';
import { temporalBinary } from './temporal.ts';

/** The programs that the local stack runs. */
export const BINARIES = { temporal: temporalBinary, mongod: mongodBinary } as const;

export type BinaryName = keyof typeof BINARIES;

export interface ProvisionOptions {
  wanted: readonly BinaryName[];
  /** Source of PLIMSOLL_TEMPORAL_BINARY, PLIMSOLL_MONGOD_BINARY, PLIMSOLL_CACHE and PATH; default `process.env`. */
  env?: NodeJS.ProcessEnv | undefined;
  report?: Report | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Finds the programs, or fetches them once into a cache that all checkouts share. Returns their paths.
 * @throws LocalStackError BinaryUnavailable with every attempt, its reason, and what the user can do
 */
export async function provision(options: ProvisionOptions): Promise<Partial<Record<BinaryName, string>>> {
  const results = await Promise.allSettled(
    options.wanted.map(async (name) => [name, await provisionBinary(BINARIES[name], options)] as const),
  );
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const unavailable = reasons.filter((reason) => reason instanceof LocalStackError);
  if (unavailable.length > 0) {
    throw new LocalStackError('BinaryUnavailable', unavailable.map((error) => error.message).join('\n\n'));
  }
  if (reasons.length > 0) throw reasons[0];
  return Object.fromEntries(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
}

/** Finds or fetches one program. */
export async function provisionBinary(spec: BinarySpec, options: Omit<ProvisionOptions, 'wanted'>): Promise<string> {
  const { env = process.env, report = silent, signal } = options;
  const context = { env, report, signal };
  const tried: string[] = [];
  const found =
    (await chosenByUser(spec, context)) ??
    (await onPath(spec, context, tried)) ??
    (await inCache(spec, context, tried));
  if (found) return found;
  return withCacheLock(
    env,
    spec,
    { signal, onWait: (pid) => report(`${spec.name}: process ${pid} is fetching it already; waiting for that`) },
    async () => (await inCache(spec, context, [])) ?? (await fromOrigins(spec, context, tried)),
  );
}

interface Context {
  env: NodeJS.ProcessEnv;
  report: Report;
  signal: AbortSignal | undefined;
}

async function chosenByUser(spec: BinarySpec, { env, signal }: Context): Promise<string | undefined> {
  const path = env[spec.variable];
  if (!path) return undefined;
  try {
    await inspectBinary(spec, path, env, signal);
    return path;
  } catch (error) {
    signal?.throwIfAborted();
    throw new LocalStackError(
      'BinaryUnavailable',
      `${spec.variable}=${path} can't be used: ${reasonOf(error)}. Correct the path, or unset it to have ${spec.name} found or fetched.`,
      { cause: error },
    );
  }
}

async function onPath(spec: BinarySpec, { env, signal }: Context, tried: string[]): Promise<string | undefined> {
  const path = await findOnPath(spec.name, env);
  if (!path) {
    tried.push('PATH: not there');
    return undefined;
  }
  try {
    await inspectBinary(spec, path, env, signal);
    return path;
  } catch (error) {
    signal?.throwIfAborted();
    tried.push(`PATH (${path}): ${reasonOf(error)}`);
    return undefined;
  }
}

async function inCache(spec: BinarySpec, context: Context, tried: string[]): Promise<string | undefined> {
  const { env, report } = context;
  const versions = new Set(spec.origins.map((origin) => origin.version));
  for (const version of versions) {
    const entry = cacheEntry(env, spec, version);
    const state = await checkEntry(entry);
    if (state === 'absent') continue;
    const broken = state === 'whole' ? await whyUnusable(spec, entry.path, context) : state.broken;
    if (broken === undefined) return entry.path;
    report(`${spec.name}: the cached ${entry.path} can't be used (${broken}); fetching it again`);
    await removeEntry(entry);
  }
  tried.push(`cache (${cacheFolder(env)}): not there`);
  return undefined;
}

/**
 * Returns why a cached program can't be used; undefined if it can.
 *
 * @throws LocalStackError if the check was stopped: the program may be intact, and fetching it again takes minutes
 */
async function whyUnusable(spec: BinarySpec, path: string, { env, signal }: Context): Promise<string | undefined> {
  try {
    await inspectBinary(spec, path, env, signal);
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof ClientStopped)) return reasonOf(error);
    throw new LocalStackError(
      'BinaryUnavailable',
      `${spec.name}: the cached ${path} could not be checked: ${error.message}. It was left as it is; try again.`,
      { cause: error },
    );
  }
}

async function fromOrigins(spec: BinarySpec, context: Context, tried: string[]): Promise<string> {
  context.report(`${spec.name}: not on this machine yet; fetching it once into ${cacheFolder(context.env)}`);
  for (const origin of spec.origins) {
    context.signal?.throwIfAborted();
    try {
      return await fromOrigin(spec, origin, context);
    } catch (error) {
      context.signal?.throwIfAborted();
      const reason = reasonOf(error);
      context.report(`${spec.name}: ${origin.label}: ${reason.split('\n')[0]}; trying the next way`);
      tried.push(`${origin.label}: ${reason}`);
    }
  }
  throw unavailable(spec, tried);
}

async function fromOrigin(spec: BinarySpec, origin: Origin, { env, report, signal }: Context): Promise<string> {
  const startedMs = performance.now();
  const entry = cacheEntry(env, spec, origin.version);
  const staging = await createStaging(entry);
  const progress = createProgress(`${spec.name}: ${origin.label}`, report);
  try {
    const program = await origin.obtain(staging, { env, signal, progress: progress.say });
    await chmod(program, 0o755);
    const version = await inspectBinary(spec, program, env, signal);
    await storeEntry(entry, program, origin.label, version);
    report(`${spec.name}: version ${version} is in the cache after ${elapsed(startedMs)}`);
    return entry.path;
  } finally {
    progress.end();
    await rm(staging, { recursive: true, force: true });
  }
}

function unavailable(spec: BinarySpec, tried: readonly string[]): LocalStackError {
  const lines = [
    `${spec.name} (${spec.title}, ${spec.wanted}) is not on this machine and could not be fetched. Tried:`,
    ...tried.map((attempt) => `  - ${attempt.replaceAll('\n', '\n      ')}`),
    'What you can do, any one of:',
    ...spec.advice.map((line) => `  - ${line}`),
  ];
  return new LocalStackError('BinaryUnavailable', lines.join('\n'));
}
