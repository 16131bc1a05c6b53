import { availableParallelism } from 'node:os';
import { UserError } from '../core/errors.ts';
import { modelFoldersFrom } from '../core/models/model-folders.ts';

/** Settings whose defaults depend on the device. */
type OfDevices = 'device' | 'batchSize' | 'takesBytes';

/** The settings of an embedder. */
export interface InferenceSettings extends Omit<EncoderSettings, OfDevices> {
  /** The devices that share the work, at least one; `auto` takes the first that is there of cuda, webgpu and cpu. */
  devices: readonly Device[] | 'auto';
  /** Items per model run, unless the graph fixes the batch size. Undefined: 32, or 64 if a GPU is among the devices. */
  batchSize: number | undefined;
  /** Whether graphs take images as bytes. Undefined: on CUDA. */
  takesBytes: boolean | undefined;
  /** Folders that are searched for a model's name before the built-in models. */
  modelFolders: string[];
  /** Idle time in milliseconds after which a model's process ends. */
  idleMs: number;
  /**
   * A process that has work but does not answer for this many milliseconds is killed, and its work is retried. A run of
   * the model has a fifth of it, or twenty times the slowest run so far if that is longer; the first run has all of it.
   */
  stallTimeoutMs: number;
  /** A process that stands still, with all its threads, for this many milliseconds is killed, and its work is retried. */
  silenceTimeoutMs: number;
  /**
   * The most processes that decode files, which share `threads` between them. By default each has one: two threads of a
   * process wait for each other, and give a sixth less.
   */
  decoders: number;
}

/** The settings of processes, whichever device they work for. */
export type ProcessSettings = Omit<InferenceSettings, 'devices' | OfDevices>;

/** The settings of a model's runner, which has one device. */
export interface RunnerSettings extends ProcessSettings, EncoderSettings {
  /** The runner tries whether its device is there, so drivers' complaints are no news for the log. */
  isTrial?: boolean;
}

/** A decoder takes some 100 MB. */
const MOST_DECODERS = 32;

/** The settings that an encoder process needs. */
export interface EncoderSettings {
  device: Device;
  /** Items per model run, unless the graph fixes the batch size. */
  batchSize: number;
  /**
   * Whether the graph takes images as bytes and normalises them on the device. A CPU gains nothing from it, and keeps the
   * graph as it is.
   */
  takesBytes: boolean;
  /** CPU threads for the model. As many again decode files. */
  threads: number;
}

/**
 * A device that runs models. `webgpu` is the GPU that Vulkan, Metal or D3D12 gives; `hardwareOnly` refuses an adapter
 * that is a program on the CPU.
 */
export type Device = { type: 'cpu' } | { type: 'cuda'; index: number } | { type: 'webgpu'; hardwareOnly?: boolean };

/** What PLIMSOLL_DEVICE may be, for messages. */
export const DEVICES_ALLOWED = 'auto, cpu, cuda, cuda:N, webgpu, or a list of devices such as cuda:0,cuda:1';

/** The device's name: `cpu`, `cuda:N` or `webgpu`. */
export function deviceName(device: Device): string {
  return device.type === 'cuda' ? `cuda:${device.index}` : device.type;
}

/** The devices' names, as PLIMSOLL_DEVICE takes them. */
export function devicesName(devices: InferenceSettings['devices']): string {
  return devices === 'auto' ? 'auto' : devices.map(deviceName).join(',');
}

/** Reads devices as PLIMSOLL_DEVICE names them; undefined if the value is wrong. */
export function parseDevices(value: string): InferenceSettings['devices'] | undefined {
  if (value === 'auto') return 'auto';
  const devices = value.split(',').map((name) => parseDevice(name.trim()));
  return devices.every((device) => device !== undefined) ? devices : undefined;
}

/** The settings of the runner of `device`, which is one of `devices`: they share threads and decoders. */
export function settingsOn(
  device: Device,
  devices: readonly Device[],
  settings: InferenceSettings & Pick<RunnerSettings, 'isTrial'>,
): RunnerSettings {
  const { devices: _, ...rest } = settings;
  const shareOf = (total: number) => Math.max(1, Math.floor(total / devices.length));
  return {
    ...rest,
    device,
    threads: shareOf(settings.threads),
    decoders: shareOf(settings.decoders),
    // All devices have batches of one size, which callers fill.
    batchSize: batchSizeOn(devices, settings),
    takesBytes: settings.takesBytes ?? device.type === 'cuda',
  };
}

/** Items per model run on these devices. */
export function batchSizeOn(devices: readonly Device[], { batchSize }: Pick<InferenceSettings, 'batchSize'>): number {
  return batchSize ?? (devices.every(({ type }) => type === 'cpu') ? 32 : 64);
}

/**
 * Reads settings from the environment: PLIMSOLL_DEVICE (`auto`, or one or more of `cpu`, `cuda`, `cuda:N` and `webgpu`,
 * separated by commas), PLIMSOLL_MODELS (folders, separated as in PATH), PLIMSOLL_BATCH_SIZE, PLIMSOLL_THREADS,
 * PLIMSOLL_DECODERS. Each medium reads its own settings: PLIMSOLL_MAX_PIXELS for images.
 *
 * @throws UserError InvalidSetting naming the variable
 */
export function settingsFromEnvironment(env: NodeJS.ProcessEnv = process.env): InferenceSettings {
  const named = env.PLIMSOLL_DEVICE || 'cpu';
  const devices = parseDevices(named);
  if (devices === undefined)
    throw new UserError('InvalidSetting', `PLIMSOLL_DEVICE is "${named}"; it can be ${DEVICES_ALLOWED}.`);
  const threads = positiveInteger(env, 'PLIMSOLL_THREADS', availableParallelism());
  return {
    devices,
    modelFolders: modelFoldersFrom(env),
    batchSize: positiveInteger(env, 'PLIMSOLL_BATCH_SIZE', undefined),
    takesBytes: undefined,
    threads,
    decoders: positiveInteger(env, 'PLIMSOLL_DECODERS', Math.min(threads, MOST_DECODERS)),
    idleMs: 5 * 60_000,
    stallTimeoutMs: 10 * 60_000,
    silenceTimeoutMs: 15_000,
  };
}

function parseDevice(name: string): Device | undefined {
  if (name === 'cpu' || name === 'webgpu') return { type: name };
  const match = /^cuda(?::(\d{1,3}))?$/.exec(name);
  return match === null ? undefined : { type: 'cuda', index: Number(match[1] ?? 0) };
}

function positiveInteger<T>(env: NodeJS.ProcessEnv, name: string, fallback: T): number | T {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UserError('InvalidSetting', `${name} is "${text}"; a whole number above 0 is expected.`);
  return value;
}
