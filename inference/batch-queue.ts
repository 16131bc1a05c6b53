import { setImmediate } from 'node:timers/promises';
import { ItemError } from '../core/media/item-error.ts';
import { normalize } from '../core/models/vectors.ts';
import type { ItemReader } from './item-reader.ts';
import type { BatchFailure, EncodeItem } from './messages.ts';
import type { Model } from './session.ts';

/** The vectors of a batch, one after the other. An item without a vector has zeros. */
export interface EncodedBatch {
  vectors: Float32Array;
  /** The hash of each item. Null if the item could not be read. */
  contents: (string | null)[];
  failures: BatchFailure[];
}

/**
 * Encodes batches in the order of their addition. All are prepared from the start, while one computes, unless preparing
 * blocks this thread.
 */
export interface BatchQueue {
  add(id: number, items: readonly EncodeItem[]): void;
  /** Skips a batch whose computation has not begun. */
  drop(id: number): void;
}

type Prepared = { content: string | null } & ({ prepared: unknown } | { code: string; message: string });

/** The reports of a queue. */
export interface BatchReports {
  /** Called before each run of the model. The run blocks the thread, so it begins when the promise resolves. */
  onRun(): Promise<void>;
  /** Receives each batch, in order. */
  onEncoded(id: number, batch: EncodedBatch): Promise<void>;
  /** Receives the index of an item that blocks its thread. */
  onLate(id: number, index: number): void;
}

/** Creates a queue. */
export function createBatchQueue(
  model: Model,
  reader: ItemReader,
  { onRun, onEncoded, onLate }: BatchReports,
): BatchQueue {
  const dropped = new Set<number>();
  let previous = Promise.resolve();

  async function encode(id: number, items: Promise<Prepared>[]): Promise<void> {
    const prepared = await Promise.all(items);
    // Yields to the event loop, so new batches begin their preparation before the model blocks it again.
    await setImmediate();
    const batch = dropped.delete(id) ? emptyBatch(model, prepared) : await encodePrepared(model, prepared, onRun);
    await onEncoded(id, batch);
  }

  return {
    add(id, items) {
      const begin = () => items.map((item, index) => prepare(model, reader, item, () => onLate(id, index)));
      const begun = model.preparation.blocks ? undefined : begin();
      previous = previous.then(() => encode(id, begun ?? begin()));
    },
    drop(id) {
      dropped.add(id);
    },
  };
}

async function prepare(model: Model, reader: ItemReader, item: EncodeItem, onLate: () => void): Promise<Prepared> {
  let content: string | null = null;
  try {
    const read = await reader.read(item);
    content = read.content;
    try {
      const prepared = await model.preparation.prepare(read.input, onLate);
      await read.done();
      return { content, prepared };
    } catch (error) {
      await read.done().catch(() => undefined);
      throw error;
    }
  } catch (error) {
    const { message } = error as Error;
    return { content, code: error instanceof ItemError ? error.code : 'decode_failed', message };
  }
}

function emptyBatch(model: Model, items: readonly Prepared[]): EncodedBatch {
  return {
    vectors: new Float32Array(items.length * model.dim),
    contents: items.map(({ content }) => content),
    failures: [],
  };
}

async function encodePrepared(
  model: Model,
  items: readonly Prepared[],
  onRun: BatchReports['onRun'],
): Promise<EncodedBatch> {
  const batch = emptyBatch(model, items);
  const rows: Row[] = [];
  for (const [index, item] of items.entries()) {
    if ('prepared' in item) rows.push({ index, prepared: item.prepared });
    else batch.failures.push({ index, code: item.code, message: item.message });
  }
  if (rows.length > 0) await runInto(batch, model, rows, onRun);
  return batch;
}

interface Row {
  index: number;
  prepared: unknown;
}

/** If the runtime refuses a batch, its items run one by one to find the one at fault. */
async function runInto(
  batch: EncodedBatch,
  model: Model,
  rows: readonly Row[],
  onRun: BatchReports['onRun'],
): Promise<void> {
  try {
    await onRun();
    const vectors = await model.run(rows.map(({ prepared }) => prepared));
    for (const [row, { index }] of rows.entries())
      place(batch, index, vectors.subarray(row * model.dim, (row + 1) * model.dim));
  } catch (error) {
    if (rows.length > 1) for (const row of rows) await runInto(batch, model, [row], onRun);
    else for (const { index } of rows) batch.failures.push({ index, ...refusal(error as Error) });
  }
}

function refusal({ message }: Error) {
  return { code: 'inference_failed', message: message.split('\n', 1)[0] as string };
}

function place(batch: EncodedBatch, index: number, vector: Float32Array): void {
  if (normalize(vector)) batch.vectors.set(vector, index * vector.length);
  else
    batch.failures.push({
      index,
      code: 'vector_not_finite',
      message: 'the model gave a vector with NaN or infinity, or of only zeros',
    });
}
