import { access } from 'node:fs/promises';
import type { ModelSide } from '../core/media/medium.ts';
import { DeviceUnavailableError, InferenceUnavailableError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { type Device, deviceName, type InferenceSettings } from './settings.ts';
import { createSharedRunner } from './shared-runner.ts';

/** The devices that are used, and why those before them in the order of `auto` are not. */
export interface DeviceChoice {
  devices: readonly Device[];
  passedOver: readonly PassedOver[];
}

/** A kind of device, and why it can't be used. */
export interface PassedOver {
  device: Device['type'];
  reason: string;
}

/** The GPUs that `auto` tries, in this order. */
export const AUTO_ORDER: readonly Device[] = [
  { type: 'cuda', index: 0 },
  { type: 'webgpu', hardwareOnly: true },
];

/** A GPU's driver that hangs must not keep a load from the CPU. */
const TRY_TIMEOUT_MS = 60_000;

/** A side of a model. */
export interface Tried {
  files: ModelFiles;
  side: ModelSide;
}

/**
 * Takes the first of cuda, webgpu and cpu that can be used, which a model is loaded to find out.
 *
 * @throws ModelNotFoundError, ModelInvalidError
 */
export async function chooseDevices(tried: Tried, settings: InferenceSettings): Promise<DeviceChoice> {
  const passedOver: PassedOver[] = [];
  for (const device of AUTO_ORDER) {
    const reason = await whyNot(device, tried, settings);
    if (reason === undefined) return { devices: [device], passedOver };
    passedOver.push({ device: device.type, reason });
  }
  return { devices: [{ type: 'cpu' }], passedOver };
}

/** `cuda: no NVIDIA driver; webgpu: no adapter was found` */
export function describePassedOver(passedOver: readonly PassedOver[]): string {
  return passedOver.map(({ device, reason }) => `${device}: ${reason}`).join('; ');
}

/** Why a device can't be used; undefined if it can. A process of its own tries it, since a driver may crash. */
export async function whyNot(
  device: Device,
  { files, side }: Tried,
  settings: InferenceSettings,
): Promise<string | undefined> {
  if (device.type === 'cuda' && !(await hasNvidiaDriver())) return 'no NVIDIA driver';
  const runner = createSharedRunner(files, side, {
    ...settings,
    devices: [device],
    stallTimeoutMs: TRY_TIMEOUT_MS,
    isTrial: true,
  });
  try {
    await runner.load();
    return undefined;
  } catch (error) {
    if (!(error instanceof DeviceUnavailableError || error instanceof InferenceUnavailableError)) throw error;
    return reasonIn(error.message, device);
  } finally {
    await runner.stop(new Error('The device was tried.'));
  }
}

/** The reason alone: who chose `auto` did not ask for the device, and needs no advice to do without. */
function reasonIn(message: string, device: Device): string {
  const [, reason] = /, which can't be used: ([\s\S]*?)(?:\. |$)/.exec(message) ?? [];
  return reason ?? message.replace(`PLIMSOLL_DEVICE asks for ${deviceName(device)}`, 'it failed');
}

/** Whether there may be a driver. Without one, loading ONNX Runtime's CUDA libraries only takes time. */
async function hasNvidiaDriver(): Promise<boolean> {
  if (process.platform === 'darwin') return false;
  if (process.platform !== 'linux') return true;
  // The last one is that of Windows' driver below WSL.
  const signs = ['/dev/nvidiactl', '/proc/driver/nvidia/version', '/dev/dxg'];
  const found = await Promise.all(
    signs.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
