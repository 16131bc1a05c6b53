import type { EmbedOptions, EmbedOutcome } from '../core/embedding/embedder.ts';
import type { ModelSide } from '../core/media/medium.ts';
import { DeviceUnavailableError, InferenceUnavailableError, ModelChangedError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import type { LoadedModel } from './messages.ts';
import { createModelRunner, type ModelRunner } from './model-runner.ts';
import { type Device, deviceName, type InferenceSettings, type RunnerSettings, settingsOn } from './settings.ts';
import type { SideItem } from './task.ts';

/** A device that failed gets no items for this long, unless all have failed. */
const REST_MS = 60_000;

/** Runs one side of a model on one or more devices. */
export interface SharedRunner extends Omit<ModelRunner, 'pid'> {
  /** Process IDs of the live encoder processes. */
  readonly pids: readonly number[];
}

/** The settings of a side's runners. */
export interface SharedSettings extends InferenceSettings, Pick<RunnerSettings, 'isTrial'> {
  devices: readonly Device[];
}

/** A device with its runner. */
interface Share {
  device: Device;
  runner: ModelRunner;
  /** Items that the runner has and has not settled. */
  underWay: number;
  /** The device gets no items before this time, as `performance.now()` counts. */
  restsUntil: number;
}

/**
 * Creates a runner for each device, and shares the items among them: each batch goes to the device that has the fewest items
 * under way. A device that fails later leaves its items to the others; a failure while the model is loaded for the first
 * time is an error, so nobody runs on fewer devices than were asked for without knowing.
 */
export function createSharedRunner(
  files: ModelFiles,
  side: ModelSide,
  settings: SharedSettings,
  createRunner = createModelRunner,
): SharedRunner {
  const { devices } = settings;
  const shares = devices.map((device): Share => {
    const runner = createRunner(files, side, settingsOn(device, devices, settings));
    return { device, runner, underWay: 0, restsUntil: 0 };
  });
  const first = shares[0] as Share;
  if (shares.length === 1) return alone(first);
  /** The model as all devices loaded it first. */
  let model: LoadedModel | undefined;

  /** Resolves with the first device that has the model loaded: a process that is started anew keeps nobody waiting. */
  async function load(): Promise<LoadedModel> {
    if (model === undefined) return loadEverywhere();
    const loads = rested().map(async (share) => {
      try {
        return await share.runner.load();
      } catch (error) {
        throw rest(share, error);
      }
    });
    return Promise.any(loads).catch(({ errors }: AggregateError) => Promise.reject(errors[0]));
  }

  async function loadEverywhere(): Promise<LoadedModel> {
    try {
      const loaded = await Promise.all(shares.map(loadFirst));
      const [one, ...others] = loaded as [LoadedModel, ...LoadedModel[]];
      if (others.some(({ revision }) => revision !== one.revision))
        throw new ModelChangedError(`The files of model "${files.name}" changed while it was loaded.`);
      model ??= one;
      return model;
    } catch (error) {
      // The processes of the other devices would hold the model until they are idle.
      void stop(error as Error);
      throw error;
    }
  }

  const stop = async (reason: Error) => void (await Promise.all(shares.map(({ runner }) => runner.stop(reason))));

  /** The devices that may get items: all of them if all have failed. */
  function rested(): Share[] {
    const now = performance.now();
    const usable = shares.filter(({ restsUntil }) => restsUntil <= now);
    return usable.length > 0 ? usable : shares;
  }

  /** Leaves a device out for a while if `error` is its fault. Throws any other error. */
  function rest(share: Share, error: unknown): unknown {
    if (!(error instanceof DeviceUnavailableError || error instanceof InferenceUnavailableError)) throw error;
    const { device } = share;
    if (share.restsUntil <= performance.now())
      process.stderr.write(
        `Device ${deviceName(device)} gets no work for ${REST_MS / 1000} s, and others take it over: ${error.message}\n`,
      );
    share.restsUntil = performance.now() + REST_MS;
    return error;
  }

  /** Runs items on the device with the fewest under way, and on the next one if that fails. */
  async function embedTogether(items: readonly SideItem[], options: EmbedOptions): Promise<EmbedOutcome[]> {
    const tried = new Set<Share>();
    for (;;) {
      const left = rested().filter((share) => !tried.has(share));
      const share = left.reduce((least, one) => (one.underWay < least.underWay ? one : least), left[0] as Share);
      tried.add(share);
      share.underWay += items.length;
      try {
        return await share.runner.embed(items, options);
      } catch (error) {
        rest(share, error);
        if (!rested().some((one) => !tried.has(one))) throw error;
      } finally {
        share.underWay -= items.length;
      }
    }
  }

  async function embed(items: readonly SideItem[], options: EmbedOptions = {}): Promise<EmbedOutcome[]> {
    const size = model?.batchSize ?? items.length;
    // `findKnown` has to see all items of a call together.
    if (items.length <= size || options.findKnown !== undefined) return embedTogether(items, options);
    const failed = new AbortController();
    const { signal = failed.signal } = options;
    const both = AbortSignal.any([signal, failed.signal]);
    const batches = Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
      embedTogether(items.slice(i * size, (i + 1) * size), { ...options, signal: both }),
    );
    try {
      return (await Promise.all(batches)).flat();
    } finally {
      // If a batch fails, nobody waits for the others.
      failed.abort();
    }
  }

  return {
    files,
    load,
    embed,
    stop,
    isCurrent: () => first.runner.isCurrent(),
    get first() {
      return model;
    },
    decoderPids: () => shares.flatMap(({ runner }) => runner.decoderPids()),
    get pids() {
      return shares.map(({ runner }) => runner.pid).filter((pid) => pid !== undefined);
    },
  };
}

/** One device has nobody to share with: its failures are those of the caller, who tries again. */
function alone(share: Share): SharedRunner {
  const { runner } = share;
  return {
    files: runner.files,
    load: () => (runner.first === undefined ? loadFirst(share) : runner.load()),
    embed: (items, options) => runner.embed(items, options),
    stop: (reason) => runner.stop(reason),
    isCurrent: () => runner.isCurrent(),
    get first() {
      return runner.first;
    },
    decoderPids: () => runner.decoderPids(),
    get pids() {
      return runner.pid === undefined ? [] : [runner.pid];
    },
  };
}

/** A crash while the model is loaded is the fault of WebGPU's driver, and a retry does not mend it. */
function loadFirst({ device, runner }: Share): Promise<LoadedModel> {
  return runner.load().catch((error: Error) => {
    if (device.type !== 'webgpu' || !(error instanceof InferenceUnavailableError)) throw error;
    throw new DeviceUnavailableError(
      `PLIMSOLL_DEVICE asks for ${deviceName(device)}, which can't be used: ${error.message.replace(/\.$/, '')}. ` +
        "Update the GPU's driver, or set PLIMSOLL_DEVICE=cpu.",
    );
  });
}
