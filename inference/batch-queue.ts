import { setImmediate } from 'node:timers/promises';
import { ItemError } from '../core/media/item-error.ts';
import { normalize } from '../core/models/vectors.ts';
import { readFrame } from './frames.ts';
import { type BatchFailure, type EncodeItem, FRAMES_FD } from './messages.ts';
import { isOutOfMemory, type Model } from './session.ts';

/** The vectors of a batch, one after the other. An item without a vector has zeros. */
export interface EncodedBatch {
  vectors: Float32Array;
  failures: BatchFailure[];
}

/**
 * Encodes batches in the order of their addition. All values are prepared from the start, while a batch computes, unless
 * preparing blocks this thread. Frames are read as their batch begins.
 */
export interface BatchQueue {
  add(id: number, items: readonly EncodeItem[]): void;
  /** Skips a batch whose computation has not begun. */
  drop(id: number): void;
}

type Prepared = Filled | { frame: number };
type Filled = { prepared: unknown } | { code: string; message: string };

/** The reports of a queue. */
export interface BatchReports {
  /** Called before each run of the model. The run blocks the thread, so it begins when the promise resolves. */
  onRun(): Promise<void>;
  /** Receives each batch, in order. */
  onEncoded(id: number, batch: EncodedBatch): Promise<void>;
  /** No batch can be run any more, through no fault of its items. */
  onUnusable(message: string): Promise<void>;
}

/** Creates a queue. */
export function createBatchQueue(model: Model, { onRun, onEncoded, onUnusable }: BatchReports): BatchQueue {
  const dropped = new Set<number>();
  let previous = Promise.resolve();
  const { preparation } = model;

  async function encode(id: number, items: Promise<Prepared>[]): Promise<void> {
    const prepared = await Promise.all(items);
    // Yields to the event loop, so new batches begin their preparation before the model blocks it again.
    await setImmediate();
    const batch = dropped.delete(id) ? emptyBatch(model, prepared) : await encodePrepared(await filled(prepared));
    await onEncoded(id, batch);
  }

  async function encodePrepared(items: readonly Filled[]): Promise<EncodedBatch> {
    const batch = emptyBatch(model, items);
    const rows: Row[] = [];
    for (const [index, item] of items.entries()) {
      if ('prepared' in item) rows.push({ index, prepared: item.prepared });
      else batch.failures.push({ index, code: item.code, message: item.message });
    }
    await runInto(batch, rows);
    return batch;
  }

  /** The most items of a run. Halved when the device has no memory for more. */
  let most = Number.POSITIVE_INFINITY;

  /** If the runtime refuses a batch, its items run one by one to find the one at fault. */
  async function runInto(batch: EncodedBatch, rows: readonly Row[], isAlone = false): Promise<void> {
    for (let from = 0; from < rows.length; ) {
      const part = rows.slice(from, from + (isAlone ? 1 : most));
      try {
        await onRun();
        const vectors = await model.run(part.map(({ prepared }) => prepared));
        for (const [row, { index }] of part.entries())
          place(batch, index, vectors.subarray(row * model.dim, (row + 1) * model.dim));
      } catch (error) {
        const { message } = error as Error;
        if (isOutOfMemory(message)) {
          if (part.length === 1) return unusable(`the device has no memory for a single item: ${message}`);
          most = Math.floor(part.length / 2);
          continue;
        }
        if (part.length > 1) await runInto(batch, part, true);
        else for (const { index } of part) batch.failures.push({ index, ...refusal(message) });
      }
      from += part.length;
    }
  }

  async function unusable(message: string): Promise<never> {
    await onUnusable(firstLine(message));
    // The worker ends this process.
    return new Promise(() => undefined);
  }

  async function prepare(item: EncodeItem): Promise<Prepared> {
    if ('frame' in item) return item;
    try {
      if (preparation.decoding !== undefined) throw new TypeError('this model takes files, not values');
      return { prepared: await preparation.prepare(item.value) };
    } catch (error) {
      const { message } = error as Error;
      return { code: error instanceof ItemError ? error.code : 'decode_failed', message };
    }
  }

  /** One buffer serves all batches, since they run one after the other. */
  let buffer = new Uint8Array(0);

  /** The items, with the content of their frames side by side, so that a graph of raw bytes takes them as they are. */
  async function filled(items: readonly Prepared[]): Promise<Filled[]> {
    const bytes = preparation.decoding?.itemBytes ?? 0;
    if (buffer.length < items.length * bytes) buffer = new Uint8Array(items.length * bytes);
    try {
      return items.map((item, row) => {
        if (!('frame' in item)) return item;
        const prepared = buffer.subarray(row * bytes, (row + 1) * bytes);
        readFrame(FRAMES_FD, item.frame, prepared);
        return { prepared };
      });
    } catch (error) {
      return unusable((error as Error).message);
    }
  }

  return {
    add(id, items) {
      const begin = () => items.map(prepare);
      const begun = preparation.decoding === undefined && preparation.blocks ? undefined : begin();
      previous = previous.then(() => encode(id, begun ?? begin()));
    },
    drop(id) {
      dropped.add(id);
    },
  };
}

function emptyBatch(model: Model, items: readonly Prepared[]): EncodedBatch {
  return { vectors: new Float32Array(items.length * model.dim), failures: [] };
}

interface Row {
  index: number;
  prepared: unknown;
}

const refusal = (message: string) => ({ code: 'inference_failed', message: firstLine(message) });

const firstLine = (message: string) => message.split('\n', 1)[0] as string;

function place(batch: EncodedBatch, index: number, vector: Float32Array): void {
  if (normalize(vector)) batch.vectors.set(vector, index * vector.length);
  else
    batch.failures.push({
      index,
      code: 'vector_not_finite',
      message: 'the model gave a vector with NaN or infinity, or of only zeros',
    });
}
