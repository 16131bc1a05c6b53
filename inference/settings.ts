import { availableParallelism } from 'node:os';
import { delimiter } from 'node:path';
import { UserError } from '../core/errors.ts';

export interface InferenceSettings extends EncoderSettings {
  /** Folders in which models are looked up by name, before the built-in one. */
  modelFolders: string[];
  /** A model's process ends when it had nothing to do for so long. */
  idleMs: number;
  /** A process that has work and gives no sign for so long hangs: it is killed, and its work tried again. */
  stallTimeoutMs: number;
}

/** What an encoder process has to know. */
export interface EncoderSettings {
  device: Device;
  /** Items that go through a model at once, unless its graph fixes that. */
  batchSize: number;
  /** Threads of the CPU for the model, and as many for preparing items. */
  threads: number;
}

export type Device = { type: 'cpu' } | { type: 'cuda'; index: number };

export function deviceName(device: Device): string {
  return device.type === 'cpu' ? 'cpu' : `cuda:${device.index}`;
}

/**
 * Settings from the environment: PLIMSOLL_DEVICE (`cpu`, `cuda`, `cuda:N`), PLIMSOLL_MODELS (folders, separated as in PATH),
 * PLIMSOLL_BATCH_SIZE, PLIMSOLL_THREADS. Settings of a medium are the medium's: PLIMSOLL_MAX_PIXELS for images.
 *
 * @throws UserError InvalidSetting naming the variable
 */
export function settingsFromEnvironment(env: NodeJS.ProcessEnv = process.env): InferenceSettings {
  const device = parseDevice(env.PLIMSOLL_DEVICE || 'cpu');
  return {
    device,
    modelFolders: (env.PLIMSOLL_MODELS ?? '').split(delimiter).filter((folder) => folder !== ''),
    batchSize: positiveInteger(env, 'PLIMSOLL_BATCH_SIZE', device.type === 'cpu' ? 32 : 64),
    threads: positiveInteger(env, 'PLIMSOLL_THREADS', availableParallelism()),
    idleMs: 5 * 60_000,
    stallTimeoutMs: 10 * 60_000,
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
