import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { BoundPreparation, OpenPreparation, Pooling, TensorData } from '../core/media/preparation.ts';
import { DeviceUnavailableError, ModelInvalidError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { chooseOutput, type GraphValue, type VectorOutput } from '../core/models/graph-values.ts';
import { checkDevice, endIfLost } from './check-device.ts';
import { pooled } from './pooling.ts';
import { type Device, deviceName, type EncoderSettings } from './settings.ts';

/** A model on its device. */
export interface Model {
  /** The number of elements of a vector. */
  dim: number;
  /** The name of the graph's output that holds the vectors. */
  output: string;
  batchSize: number;
  preparation: BoundPreparation;
  /**
   * Computes the vectors of up to `batchSize` prepared items. Returns them unnormalised, one after the other. Blocks
   * the thread.
   */
  run(prepared: readonly unknown[]): Promise<Float32Array>;
}

/**
 * Loads the graph onto the device and runs it once, so an unusable model is detected before any item.
 *
 * @throws ModelInvalidError, DeviceUnavailableError
 */
export async function loadModel(
  files: ModelFiles,
  settings: EncoderSettings,
  side: { options: unknown; outputs: readonly string[] },
  openPreparation: OpenPreparation,
): Promise<Model> {
  const { graphFile } = files;
  await checkDevice(settings.device, (graph, device) => createSession(graph, { ...settings, device }));
  const session = await createSession(graphFile, settings);
  const preparation = await openPreparation({
    graphFile,
    files: files.files,
    optional: files.optional,
    inputs: tensorsOf(session.inputMetadata),
    threads: settings.threads,
    options: side.options,
  });
  const output = chooseOutput(graphFile, tensorsOf(session.outputMetadata), side.outputs);
  const { fixedBatch } = preparation;
  const pooling = poolingOf(graphFile, output, preparation);

  async function run(prepared: readonly unknown[]): Promise<Float32Array> {
    const rows = fixedBatch ?? prepared.length;
    const feeds = preparation.feeds(prepared, rows);
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensorOf(tensor)]));
    const results = await session.run(tensors, [output.name]);
    const result = results[output.name] as Tensor;
    if (result.dims[0] !== rows) throw new Error(`${rows} items gave an output of shape [${result.dims.join(', ')}]`);
    return pooled(result, prepared.length, pooling, feeds.attention_mask);
  }

  async function runSameLength(prepared: readonly unknown[]): Promise<Float32Array> {
    const vectors = await run(prepared).catch(async (error: unknown) => {
      await endIfLost(settings.device, () => run([preparation.blank]));
      throw error;
    });
    if (vectors.length === prepared.length * probe.length) return vectors;
    throw new Error(
      `the model gave vectors of ${vectors.length / prepared.length} numbers, and of ${probe.length} before`,
    );
  }

  const probe = await run([preparation.blank]).catch((error: Error) => {
    throw new ModelInvalidError(`${graphFile} does not run: ${error.message}`);
  });
  return {
    dim: probe.length,
    output: output.name,
    batchSize: fixedBatch ?? preparation.batchSize ?? settings.batchSize,
    preparation,
    run: runSameLength,
  };
}

function poolingOf(
  graphFile: string,
  { name, isSequence }: VectorOutput,
  { pooling }: BoundPreparation,
): Pooling | 'none' {
  if (!isSequence) return 'none';
  if (pooling !== undefined) return pooling;
  throw new ModelInvalidError(
    `${graphFile} gives a vector for each token ("${name}"), and nothing says which of them counts. ` +
      'Export the graph with its pooling and projection.',
  );
}

async function createSession(graphFile: string, { device, threads }: EncoderSettings): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(graphFile, {
      executionProviders: [device.type === 'cuda' ? { name: 'cuda', deviceId: device.index } : device.type],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // Spinning threads take the cores that decoding needs, which halves the total throughput.
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
        'ONNX Runtime needs an NVIDIA driver, CUDA 12 with cuDNN 9, and its CUDA provider, ' +
        'which this command fetches: ' +
        'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js ' +
        '— or set PLIMSOLL_DEVICE=cpu.',
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

function tensorOf({ type, elements, dims }: TensorData): Tensor {
  // The class has one constructor signature per type.
  return new (Tensor as unknown as new (type: string, data: object, dims: readonly number[]) => Tensor)(
    type,
    elements,
    dims,
  );
}
