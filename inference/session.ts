import { InferenceSession, Tensor } from 'onnxruntime-node';
import { allocateBatch, createPixelWriter, type TensorElements } from '../core/media/images/image-tensor.ts';
import type { Preprocessing } from '../core/media/images/preprocessing.ts';
import { DeviceUnavailableError, ModelInvalidError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { chooseInput, chooseOutput, type GraphValue, type ImageInput } from '../core/models/graph-values.ts';
import { floatFromHalf } from '../core/models/half.ts';
import { type Device, deviceName, type InferenceSettings } from './settings.ts';

export interface ImageModel {
  /** Numbers in a vector. */
  dim: number;
  batchSize: number;
  /**
   * The vectors of up to `batchSize` images, as the graph gives them, one after the other. Blocks the thread while it computes.
   * `pixels` are 8-bit RGB, row by row, of the size that the model's preprocessing gives.
   */
  run(pixels: readonly Uint8Array[]): Promise<Float32Array>;
}

/**
 * Loads the graph onto the device and runs it once, so that a model that can't work is known before any image is.
 *
 * @throws ModelInvalidError, DeviceUnavailableError
 */
export async function loadImageModel(
  files: ModelFiles,
  preprocessing: Preprocessing,
  settings: Pick<InferenceSettings, 'device' | 'threads' | 'batchSize'>,
): Promise<ImageModel> {
  const { crop } = preprocessing.geometry;
  const session = await createSession(files.graphFile, settings);
  const input = chooseInput(files.graphFile, tensorsOf(session.inputMetadata), crop);
  const output = chooseOutput(files.graphFile, tensorsOf(session.outputMetadata));
  assertRawIfBytes(files, input, preprocessing);

  const batchSize = input.fixedBatch ?? settings.batchSize;
  const imageElements = crop.width * crop.height * 3;
  const writePixels = createPixelWriter(input, preprocessing.normalization);
  let batch: TensorElements = allocateBatch(input.type, imageElements);

  async function run(pixels: readonly Uint8Array[]): Promise<Float32Array> {
    const rows = input.fixedBatch ?? pixels.length;
    // One buffer serves all batches, since they run one after the other.
    if (batch.length < rows * imageElements) batch = allocateBatch(input.type, batchSize * imageElements);
    for (const [index, image] of pixels.entries()) writePixels(image, batch, index);
    const shape = input.layout === 'NCHW' ? [rows, 3, crop.height, crop.width] : [rows, crop.height, crop.width, 3];
    const feeds = { [input.name]: tensorOf(input.type, batch.subarray(0, rows * imageElements), shape) };
    const results = await session.run(feeds, [output.name]);
    return vectorsOf(results[output.name] as Tensor, rows, pixels.length);
  }

  const probe = await run([new Uint8Array(imageElements).fill(128)]).catch((error: Error) => {
    throw new ModelInvalidError(`${files.graphFile} does not run: ${error.message}`);
  });
  return { dim: probe.length, batchSize, run };
}

async function createSession(
  graphFile: string,
  { device, threads }: Pick<InferenceSettings, 'device' | 'threads'>,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(graphFile, {
      executionProviders: [device.type === 'cuda' ? { name: 'cuda', deviceId: device.index } : 'cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // Threads that spin while they wait take the cores that decoding needs: it halves the throughput of the whole.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    });
  } catch (error) {
    throw sessionError(graphFile, device, error as Error);
  }
}

function sessionError(graphFile: string, device: Device, { message }: Error): Error {
  if (device.type === 'cuda' && /cuda|cudnn|cublas|shared library|provider/i.test(message))
    return new DeviceUnavailableError(
      `PLIMSOLL_DEVICE asks for ${deviceName(device)}, which can't be used: ${message}. ` +
        'ONNX Runtime needs an NVIDIA driver, CUDA 12 with cuDNN 9, and its CUDA provider, which this command fetches: ' +
        'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js — or set PLIMSOLL_DEVICE=cpu.',
    );
  return new ModelInvalidError(`${graphFile} can't be loaded: ${message}`);
}

function tensorsOf(values: readonly InferenceSession.ValueMetadata[]): GraphValue[] {
  return values.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, shape: value.shape }
      : { name: value.name, type: 'no tensor', shape: [] },
  );
}

function assertRawIfBytes(files: ModelFiles, input: ImageInput, { normalization }: Preprocessing): void {
  if (input.type === 'uint8' && normalization !== undefined)
    throw new ModelInvalidError(
      `${files.preprocessorFile}: the graph takes raw pixels (uint8), so do_rescale and do_normalize must be false.`,
    );
}

function tensorOf(type: ImageInput['type'], elements: TensorElements, shape: number[]): Tensor {
  if (type === 'float32') return new Tensor('float32', elements as Float32Array, shape);
  if (type === 'uint8') return new Tensor('uint8', elements as Uint8Array, shape);
  return new Tensor('float16', elements as Uint16Array, shape);
}

/** The first `count` vectors. Of a sequence of tokens, the first (CLS) is the image's. */
function vectorsOf({ data, dims, type }: Tensor, rows: number, count: number): Float32Array {
  const dim = dims.at(-1) ?? 0;
  const tokens = dims.length === 3 ? (dims[1] as number) : 1;
  if (dims[0] !== rows || dim < 1) throw new Error(`${rows} images gave an output of shape [${dims.join(', ')}]`);
  const floats = type === 'float16' ? floatsOf(data as unknown as ArrayBufferView) : (data as Float32Array);
  const vectors = new Float32Array(count * dim);
  for (let row = 0; row < count; row++) {
    const start = row * tokens * dim;
    vectors.set(floats.subarray(start, start + dim), row * dim);
  }
  return vectors;
}

function floatsOf(half: ArrayBufferView): Float32Array {
  return Float32Array.from(new Uint16Array(half.buffer, half.byteOffset, half.byteLength / 2), floatFromHalf);
}
