import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cudaFault, findCuda } from '../core/cuda/find-cuda.ts';
import type { BoundPreparation, OpenPreparation, Pooling, TensorData } from '../core/media/preparation.ts';
import { readGraphInputs, withByteInput } from '../core/models/byte-input.ts';
import { DeviceUnavailableError, ModelInvalidError } from '../core/models/errors.ts';
import { externalWeightFiles } from '../core/models/external-weights.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { chooseOutput, type GraphValue, type VectorOutput } from '../core/models/graph-values.ts';
import { checkDevice, endIfLost } from './check-device.ts';
import { pooled } from './pooling.ts';
import { type Device, deviceName, type EncoderSettings } from './settings.ts';

/** The words of ONNX Runtime and of CUDA's libraries for a device without memory. */
export const isOutOfMemory = (message: string) =>
  /out of memory|failed to allocate memory|available memory of \d+ is smaller|ALLOC_FAILED/i.test(message);

/** Batches that a GPU computes as one if it lags behind: more items at once take less time each. */
const BATCHES_AT_ONCE = 4;

/** A model on its device. */
export interface Model {
  /** The number of elements of a vector. */
  dim: number;
  /** The name of the graph's output that holds the vectors. */
  output: string;
  batchSize: number;
  /** Items of a run if so many are ready. */
  largestBatch: number;
  preparation: BoundPreparation;
  /** Whether the graph takes images as bytes. */
  takesBytes: boolean;
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
  const open = (inputs: readonly GraphValue[]) =>
    openPreparation({ graphFile, files: files.files, optional: files.optional, inputs, options: side.options });
  const bind = (opened: OpenModel) => bindModel(files, settings, side.outputs, opened);

  if (settings.takesBytes) {
    try {
      const opened = await openByBytes(graphFile, settings, open);
      if (opened !== undefined) return await bind(opened);
    } catch (error) {
      if (error instanceof DeviceUnavailableError) throw error;
      // What is wrong with the model shows in the graph as it is.
      process.stderr.write(
        `${graphFile} takes no images as bytes, which would be faster: ${(error as Error).message}\n`,
      );
    }
  }
  const session = await createSession(graphFile, settings);
  const preparation = await open(tensorsOf(session.inputMetadata));
  return bind({ session, preparation, feedsOf: preparation.feeds, takesBytes: false });
}

/** A graph on its device, and what makes its inputs of items. */
interface OpenModel {
  session: InferenceSession;
  preparation: BoundPreparation;
  feedsOf(items: readonly never[], rows: number): Record<string, TensorData>;
  takesBytes: boolean;
}

/** Runs the graph once. @throws ModelInvalidError */
async function bindModel(
  { graphFile }: ModelFiles,
  settings: EncoderSettings,
  outputs: readonly string[],
  { session, preparation, feedsOf, takesBytes }: OpenModel,
): Promise<Model> {
  const output = chooseOutput(graphFile, tensorsOf(session.outputMetadata), outputs);
  const { fixedBatch } = preparation;
  const pooling = poolingOf(graphFile, output, preparation);

  async function run(prepared: readonly unknown[]): Promise<Float32Array> {
    const rows = fixedBatch ?? prepared.length;
    const feeds = feedsOf(prepared as never, rows);
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensorOf(tensor)]));
    const results = await session.run(tensors, [output.name]);
    const result = results[output.name] as Tensor;
    if (result.dims[0] !== rows) throw new Error(`${rows} items gave an output of shape [${result.dims.join(', ')}]`);
    return pooled(result, prepared.length, pooling, feeds.attention_mask);
  }

  async function runSameLength(prepared: readonly unknown[]): Promise<Float32Array> {
    const vectors = await run(prepared).catch(async (error: Error) => {
      // A device without memory for a batch may have none for a single item at that moment.
      if (!isOutOfMemory(error.message)) await endIfLost(settings.device, () => run([preparation.blank as never]));
      throw error;
    });
    if (vectors.length === prepared.length * probe.length) return vectors;
    throw new Error(
      `the model gave vectors of ${vectors.length / prepared.length} numbers, and of ${probe.length} before`,
    );
  }

  const probe = await run([preparation.blank as never]).catch((error: Error) => {
    throw new ModelInvalidError(`${graphFile} does not run: ${error.message}`);
  });
  const batchSize = fixedBatch ?? preparation.batchSize ?? settings.batchSize;
  return {
    dim: probe.length,
    output: output.name,
    batchSize,
    largestBatch: fixedBatch ?? batchSize * (settings.device.type === 'cpu' ? 1 : BATCHES_AT_ONCE),
    preparation,
    takesBytes,
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

/** Opens the graph so that it takes decoded items as they are. Undefined if the medium or the graph has no such input. */
async function openByBytes(
  graphFile: string,
  settings: EncoderSettings,
  open: (inputs: readonly GraphValue[]) => Promise<BoundPreparation>,
): Promise<OpenModel | undefined> {
  const preparation = await open(await readGraphInputs(graphFile));
  if (preparation.decoding === undefined || preparation.byteInput === undefined) return undefined;
  const { byteInput, decoding } = preparation;
  // A hub's cache links to files in other folders, which the runtime takes for an escape.
  const isWhole = (await externalWeightFiles(graphFile)).length === 0;
  const file = isWhole ? await realpath(graphFile) : graphFile;
  const session = await createSession(file, settings, await withByteInput(file, byteInput));
  const { name, height, width } = byteInput;
  return {
    session,
    preparation,
    takesBytes: true,
    feedsOf(items: readonly Uint8Array[], rows) {
      const dims = [rows, height, width, 3];
      return { [name]: { type: 'uint8', elements: sideBySide(items, rows * decoding.itemBytes), dims } };
    },
  };
}

/** The items one after the other: as they are, if they lie so already. */
function sideBySide(items: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = items;
  const isOneView = first !== undefined && items.every((item, i) => isNext(item, first, i));
  if (isOneView && first.byteOffset + length <= first.buffer.byteLength)
    return new Uint8Array(first.buffer, first.byteOffset, length);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const item of items) {
    bytes.set(item, at);
    at += item.length;
  }
  return bytes;
}

const isNext = (item: Uint8Array, first: Uint8Array, place: number) =>
  item.buffer === first.buffer && item.byteOffset === first.byteOffset + place * first.length;

/** @param graph the graph, if it is not that of the file but refers to its weights */
async function createSession(
  graphFile: string,
  { device, threads }: EncoderSettings,
  graph?: Uint8Array,
): Promise<InferenceSession> {
  const weights = { model_external_initializers_file_folder_path: dirname(graphFile) };
  try {
    // The two signatures differ only in this argument.
    return await InferenceSession.create((graph ?? graphFile) as string, {
      executionProviders: [device.type === 'cuda' ? { name: 'cuda', deviceId: device.index } : device.type],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // Spinning threads take the cores that decoding needs, which halves the total throughput.
      extra: {
        session: {
          intra_op: { allow_spinning: '0' },
          inter_op: { allow_spinning: '0' },
          ...(graph === undefined ? {} : weights),
        },
      },
    });
  } catch (error) {
    throw sessionError(graphFile, device, error as Error);
  }
}

function sessionError(graphFile: string, device: Device, { message }: Error): Error {
  if (device.type === 'cuda' && /cuda|cudnn|cublas|shared library|provider/i.test(message)) {
    const fault = cudaFault(findCuda(process.env));
    return new DeviceUnavailableError(
      `PLIMSOLL_DEVICE asks for ${deviceName(device)}, which can't be used: ` +
        `${fault === undefined ? '' : `${fault}; `}${message.trim()}. ` +
        'It needs an NVIDIA driver, and the CUDA libraries that "plimsoll install-cuda" installs. ' +
        '"plimsoll doctor" says what is missing. Or set PLIMSOLL_DEVICE=cpu.',
    );
  }
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
