import { availableParallelism } from 'node:os';
import { UserError } from '../core/errors.ts';
import { modelFoldersFrom } from '../core/models/model-folders.ts';

/** The settings of an embedder. */
export interface InferenceSettings extends EncoderSettings {
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
  /** The most processes that decode files, which share `threads` between them. */
  decoders: number;
}

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

/** Few threads wait for each other's memory. One each would take twice the memory of Node. */
const THREADS_PER_DECODER = 2;

/** A device that runs models. */
export type Device = { type: 'cpu' } | { type: 'cuda'; index: number };

/** The device's name: `cpu`, or `cuda:N`. */
export function deviceName(device: Device): string {
  return device.type === 'cpu' ? 'cpu' : `cuda:${device.index}`;
}

/**
 * Reads settings from the environment: PLIMSOLL_DEVICE (`cpu`, `cuda`, `cuda:N`), PLIMSOLL_MODELS (folders, separated
 * as in PATH), PLIMSOLL_BATCH_SIZE, PLIMSOLL_THREADS, PLIMSOLL_DECODERS. Each medium reads its own settings: PLIMSOLL_MAX_PIXELS for
 * images.
 *
 * @throws UserError InvalidSetting naming the variable
 */
export function settingsFromEnvironment(env: NodeJS.ProcessEnv = process.env): InferenceSettings {
  const threads = positiveInteger(env, 'PLIMSOLL_THREADS', availableParallelism());
  const device = parseDevice(env.PLIMSOLL_DEVICE || 'cpu');
  return {
    device,
    modelFolders: modelFoldersFrom(env),
    batchSize: positiveInteger(env, 'PLIMSOLL_BATCH_SIZE', device.type === 'cpu' ? 32 : 64),
    takesBytes: device.type === 'cuda',
    threads,
    decoders: positiveInteger(env, 'PLIMSOLL_DECODERS', Math.ceil(threads / THREADS_PER_DECODER)),
    idleMs: 5 * 60_000,
    stallTimeoutMs: 10 * 60_000,
    silenceTimeoutMs: 15_000,
  };
}

function parseDevice(value: string): Device {
  if (value === 'cpu') return { type: 'cpu' };
  const match = /^cuda(?::(\d{1,3}))?$/.exec(value);
  if (match === null)
    throw new UserError('InvalidSetting', `PLIMSOLL_DEVICE is "${value}"; it can be cpu, cuda, or cuda:N.`);
  return { type: 'cuda', index: Number(match[1] ?? 0) };
}

function positiveInteger(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UserError('InvalidSetting', `${name} is "${text}"; a whole number above 0 is expected.`);
  return value;
}
