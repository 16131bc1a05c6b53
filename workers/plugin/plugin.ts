import { setTimeout as delay } from 'node:timers/promises';
import { SimplePlugin } from '@temporalio/plugin';
import { type ReplayWorkerOptions, Runtime, type Worker, type WorkerOptions } from '@temporalio/worker';
import { UserError } from '../../core/errors.ts';
import { ensureSearchAttributes } from '../search-attributes.ts';
import { WORKFLOWS_PATH, workflowBundle } from '../workflow-bundle.ts';
import { bundlingOptions, refuseLateBundling } from './bundling.ts';
import { refuseClashes, refuseReplacements } from './clashes.ts';
import { deploymentFromEnvironment } from './deployment.ts';
import { type Equipment, equip, prepareStore } from './equipment.ts';
import type { PlimsollPluginOptions } from './options.ts';

/**
 * Maps each activity to the equipment of its worker. Activities are the only objects that a worker shares with the
 * options that it was created from.
 */
const equipments = new WeakMap<object, Equipment>();
const started = new WeakSet<Equipment>();
/** Bundles that were chosen here, each for one worker. */
const prebuilt = new WeakSet<object>();

/**
 * Plimsoll for a worker of your own:
 *
 * ```ts
 * import { PlimsollPlugin } from 'plimsoll';
 *
 * const worker = await Worker.create({
 *   connection,
 *   taskQueue: 'plimsoll',
 *   plugins: [new PlimsollPlugin({ roles: ['indexing'], mongodb: 'mongodb://db.example/?replicaSet=rs0' })],
 * });
 * ```
 *
 * A worker with the indexing role and without workflows of its own runs Plimsoll's. **A worker with a `workflowsPath`
 * runs only the exports of that file**, because a plugin can't add to it: write `export * from 'plimsoll/workflows'`
 * beside your own. Import nothing else of this package there: only `plimsoll/workflows` is safe in the workflow
 * sandbox.
 *
 * Those workflows are bundled ahead unless the worker's options or other plugins have to be in the bundle: interceptors'
 * modules, converters' paths, bundler options. Then the SDK bundles them with Plimsoll's workflows, which takes seconds.
 *
 * A plugin on a connection applies to all workers of that connection. A plugin on both is applied once. On a client and
 * in `bundleWorkflowCode` it does nothing.
 *
 * `Worker.create` creates MongoDB's indexes and fails if MongoDB does not answer or is no replica set. The plugin
 * closes what it opened when the worker has run.
 *
 * @throws UserError from `Worker.create`: ActivityNameClash, InvalidSetting, ReplicaSetRequired; from `run`:
 *   ActivityNameClash and InvalidSetting with a plugin that comes after this one
 */
export class PlimsollPlugin extends SimplePlugin {
  readonly #options: PlimsollPluginOptions;

  constructor(options: PlimsollPluginOptions) {
    super({ name: 'plimsoll.PlimsollPlugin' });
    if (options.roles.length === 0) {
      throw new UserError('InvalidSetting', 'roles: name indexing, embedding, or both.');
    }
    this.#options = options;
  }

  // SimplePlugin declares this method synchronous, but Worker.create awaits its result, as WorkerPlugin documents.
  override configureWorker(options: WorkerOptions): WorkerOptions & Promise<WorkerOptions> {
    return this.#equipWorker(options) as WorkerOptions & Promise<WorkerOptions>;
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions & Promise<ReplayWorkerOptions> {
    // Later plugins may need a bundle of their own, and a worker that replays runs no hook in which to refuse them.
    const isLast = options.plugins?.at(-1) === this;
    return this.#withWorkflows(options, isLast) as ReplayWorkerOptions & Promise<ReplayWorkerOptions>;
  }

  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    const equipment = equipmentAmong(worker.options.activities.values());
    if (equipment === undefined || started.has(equipment)) return next(worker);
    started.add(equipment);
    equipment.useSearchAttributes(findSearchAttributes(worker));
    try {
      await this.#refuseLateChanges(equipment, worker, next);
      await next(worker);
    } finally {
      await equipment.close();
    }
  }

  /** Refuses what later plugins replaced or added in vain, before the worker polls. */
  async #refuseLateChanges({ activities }: Equipment, worker: Worker, next: (worker: Worker) => Promise<void>) {
    const { options } = worker;
    try {
      refuseReplacements(activities, options.activities);
      if (options.workflowBundle !== undefined && prebuilt.has(options.workflowBundle)) refuseLateBundling(options);
    } catch (error) {
      await release(worker, next);
      throw error;
    }
  }

  async #equipWorker(options: WorkerOptions): Promise<WorkerOptions> {
    const given = options.activities ?? {};
    const already = equipmentAmong(Object.values(given));
    if (already !== undefined) return this.#assertSameRoles(already, options);
    const equipment = equip(onQueue(this.#options, options.taskQueue));
    refuseClashes(equipment.activities, given);
    // Preparing the store in runWorker would hang a worker that is told to shut down before it runs.
    await prepareStore(this.#options);
    for (const activity of Object.values(equipment.activities)) equipments.set(activity, equipment);
    return this.#withWorkflows({
      ...options,
      ...defaultsOf(options, equipment),
      activities: { ...given, ...equipment.activities },
      nexusServices: [...(options.nexusServices ?? []), ...equipment.nexusServices],
    });
  }

  #assertSameRoles({ roles }: Equipment, options: WorkerOptions): WorkerOptions {
    if (this.#options.roles.every((role) => roles.includes(role))) return options;
    throw new UserError(
      'InvalidSetting',
      `Two Plimsoll plugins with different roles are on one worker: ${roles.join(' and ')}, and ${this.#options.roles.join(' and ')}. Give one of them all roles.`,
    );
  }

  /** Adds Plimsoll's workflows: prebuilt if they may be, else as a path that the SDK bundles with the user's options. */
  async #withWorkflows<T extends ReplayWorkerOptions>(options: T, mayBePrebuilt = true): Promise<T> {
    const own = options.workflowsPath !== undefined || options.workflowBundle !== undefined;
    if (own || !this.#options.roles.includes('indexing')) return options;
    // Each workflow thread takes some 60 MB, and Plimsoll's workflows have next to nothing to compute.
    const withThread = { workflowThreadPoolSize: 1, ...options };
    if (!mayBePrebuilt || bundlingOptions(options).length > 0) return { ...withThread, workflowsPath: WORKFLOWS_PATH };
    const bundle = { ...(await workflowBundle()) };
    prebuilt.add(bundle);
    return { ...withThread, workflowBundle: bundle };
  }
}

/** A worker with both roles runs the inference of its own jobs unless the options name another queue. */
function onQueue(options: PlimsollPluginOptions, taskQueue: string): PlimsollPluginOptions {
  const embedsItsOwn = options.roles.includes('indexing') && options.roles.includes('embedding');
  return embedsItsOwn ? { ...options, embedTaskQueue: options.embedTaskQueue ?? taskQueue } : options;
}

/** Worker options that suit Plimsoll's activities and harm no others, for options that the user left open. */
function defaultsOf(options: WorkerOptions, { roles, deviceCount }: Equipment): Partial<WorkerOptions> {
  const deployment = deploymentFromEnvironment();
  const versioned = options.workerDeploymentOptions !== undefined || options.buildId !== undefined;
  const inferenceAlone = !roles.includes('indexing') && options.activities === undefined && options.tuner === undefined;
  return {
    // Activities beat every 5 s, and a cancel reaches them with a heartbeat. The SDK must not make them wait longer.
    maxHeartbeatThrottleInterval: options.maxHeartbeatThrottleInterval ?? '2 seconds',
    defaultHeartbeatThrottleInterval: options.defaultHeartbeatThrottleInterval ?? '2 seconds',
    ...(versioned || deployment === undefined ? {} : { workerDeploymentOptions: deployment }),
    // Two chunks at a time keep one device busy from one to the next.
    ...(inferenceAlone
      ? { maxConcurrentActivityTaskExecutions: options.maxConcurrentActivityTaskExecutions ?? 2 * deviceCount }
      : {}),
  };
}

/** Runs a worker and shuts it down at once, because a worker that never ran keeps its connection open forever. */
async function release(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
  if (worker.getState() !== 'INITIALIZED') return;
  let isOver = false;
  const running = next(worker).finally(() => {
    isOver = true;
  });
  // Later plugins may take a while before they run the worker.
  while (!isOver && worker.getState() === 'INITIALIZED') await delay(1);
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await running;
}

function equipmentAmong(activities: Iterable<unknown>): Equipment | undefined {
  for (const activity of activities) {
    const equipment = typeof activity === 'function' ? equipments.get(activity) : undefined;
    if (equipment !== undefined) return equipment;
  }
  return undefined;
}

async function findSearchAttributes({ connection, options }: Worker): Promise<boolean> {
  if (connection === undefined) return false;
  return ensureSearchAttributes(connection, options.namespace, (message) => Runtime.instance().logger.warn(message));
}
