import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { DeviceUnavailableError } from '../core/models/errors.ts';
import { REFERENCE_GRAPH } from '../core/models/model-folders.ts';
import { type Device, deviceName } from './settings.ts';

const ROWS = 4;
const SQUARE = 16;

/**
 * Right vectors have at least this cosine with the CPU's. A software adapter of WebGPU gives 1 - 1e-13; CUDA may round the
 * factors of a product to 10 bits (TF32). A twentieth of a vector that is left out gives 0.997 or less.
 */
const LEAST_COSINE = 0.9999;

/** An adapter that needs more than this, and this many times what the CPU needs, is a program on the CPU. */
const SLOW_MS = 20;
const SLOW_FACTOR = 4;

/** Loads a graph on a device. */
export type CreateSession = (graphFile: string, device: Device) => Promise<InferenceSession>;

/**
 * Runs the built-in model of images on a GPU and on the CPU with the same pixels, so that a driver that computes wrongly is
 * detected before any item. Drivers of WebGPU are many, and some have such faults.
 *
 * @throws DeviceUnavailableError if the GPU can't be used, or if its vectors differ
 */
export async function checkDevice(device: Device, createSession: CreateSession): Promise<void> {
  if (device.type === 'cpu') return;
  const gpu = await createSession(REFERENCE_GRAPH, device).catch((error: Error) => {
    throw error instanceof DeviceUnavailableError ? error : unavailable(device, reasonOf(error));
  });
  const cpu = await createSession(REFERENCE_GRAPH, { type: 'cpu' });
  const input = inputOf(cpu);
  const [onGpu, onCpu] = [await run(gpu, input, device), await run(cpu, input, device)];
  const cosine = leastCosine(onGpu.vectors, onCpu.vectors);
  // A vector that holds NaN has the cosine NaN, which is not below any number.
  if (!(cosine >= LEAST_COSINE))
    throw unavailable(
      device,
      `it gives wrong vectors: the built-in model's have cosine ${cosine.toFixed(4)} with the CPU's`,
      'Update its driver',
    );
  // The first runs have compiled shaders.
  if (device.type === 'webgpu')
    reportSlow(device, (await run(gpu, input, device)).ms, (await run(cpu, input, device)).ms);
  await Promise.all([gpu.release(), cpu.release()]);
}

/**
 * Ends this process if a GPU no longer runs what it ran when the model was loaded: after a reset of the driver, every run
 * fails, and would be taken for a fault of its items. The worker starts another process, which checks the device.
 */
export async function endIfLost(
  device: Device,
  runAgain: () => Promise<unknown>,
  end: () => void = () => process.kill(process.pid, 'SIGKILL'),
): Promise<void> {
  if (device.type === 'cpu') return;
  await runAgain().catch((error: Error) => {
    process.stderr.write(`${deviceName(device)} is lost: ${reasonOf(error)}.\n`);
    end();
  });
}

/** Vulkan's adapters include programs such as llvmpipe and SwiftShader. ONNX Runtime does not tell which one it took. */
function reportSlow(device: Device & { type: 'webgpu' }, gpuMs: number, cpuMs: number): void {
  if (gpuMs <= SLOW_MS || gpuMs <= cpuMs * SLOW_FACTOR) return;
  const slow =
    `the adapter takes ${Math.round(gpuMs)} ms for what the CPU does in ${Math.round(cpuMs)} ms, ` +
    'so it is probably a program (llvmpipe, SwiftShader) and no GPU';
  if (device.hardwareOnly) throw unavailable(device, slow);
  process.stderr.write(`PLIMSOLL_DEVICE asks for webgpu, but ${slow}. PLIMSOLL_DEVICE=cpu is faster.\n`);
}

/** The input of the check, as the graph takes it. */
function inputOf({ inputMetadata: [input] }: InferenceSession): InferenceSession.FeedsType {
  if (input?.isTensor !== true) throw new Error(`${REFERENCE_GRAPH} has no input`);
  const [, ...shape] = input.shape.map(Number);
  const dims = [ROWS, ...shape];
  return { [input.name]: new Tensor('uint8', pictures(dims), dims) };
}

async function run(session: InferenceSession, input: InferenceSession.FeedsType, device: Device) {
  const beganAt = performance.now();
  const results = await session.run(input).catch((error: Error) => {
    throw unavailable(device, reasonOf(error));
  });
  const [vectors] = Object.values(results);
  return { vectors: vectors?.data as Float32Array, ms: performance.now() - beganAt };
}

/**
 * Pictures of squares in pseudo-random colours, with noise on top, the same each time. Noise alone looks the same everywhere:
 * its vectors have cosine 0.998 with each other. Squares alone have no gradients, where rounding is all there is.
 */
function pictures([rows = 0, height = 0, width = 0, channels = 0]: readonly number[]): Uint8Array {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const across = Math.ceil(width / SQUARE);
  const colours = Uint8Array.from({ length: rows * Math.ceil(height / SQUARE) * across * channels }, () => random(192));
  return Uint8Array.from({ length: rows * height * width * channels }, (_, i) => {
    const channel = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / (channels * width)) % height;
    const row = Math.floor(i / (channels * width * height));
    const square = (row * Math.ceil(height / SQUARE) + Math.floor(y / SQUARE)) * across + Math.floor(x / SQUARE);
    return (colours[square * channels + channel] as number) + random(64);
  });
}

/** The least cosine of two vectors in the same row. */
export function leastCosine(some: Float32Array, others: Float32Array): number {
  if (some.length !== others.length) return Number.NaN;
  const length = some.length / ROWS;
  const rows = Array.from({ length: ROWS }, (_, row) => [row * length, (row + 1) * length] as const);
  return Math.min(...rows.map(([from, to]) => cosineOf(some.subarray(from, to), others.subarray(from, to))));
}

function cosineOf(one: Float32Array, other: Float32Array): number {
  let [product, oneSquared, otherSquared] = [0, 0, 0];
  for (const [i, x] of one.entries()) {
    const y = other[i] as number;
    product += x * y;
    oneSquared += x * x;
    otherSquared += y * y;
  }
  return product / Math.sqrt(oneSquared * otherSquared);
}

/** The part of ONNX Runtime's message that is for users. It begins with the place in ONNX Runtime's sources. */
function reasonOf({ message }: Error): string {
  if (/No supported adapters/i.test(message)) return 'no adapter was found';
  return message.replace(/^.* was false\. /, '').replace(/\.$/, '');
}

function adviceFor({ type }: Device): string {
  if (type === 'cuda') return 'Check it with nvidia-smi';
  return process.platform === 'linux'
    ? "It needs the Vulkan loader (libvulkan1) and the GPU's Vulkan driver"
    : 'Update its driver';
}

function unavailable(device: Device, reason: string, advice = adviceFor(device)): DeviceUnavailableError {
  return new DeviceUnavailableError(
    `PLIMSOLL_DEVICE asks for ${deviceName(device)}, which can't be used: ${reason}. ${advice}, or set PLIMSOLL_DEVICE=cpu.`,
  );
}
