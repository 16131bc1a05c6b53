import { setImmediate } from 'node:timers/promises';
import { normalize } from '../core/models/vectors.ts';
import type { Decoded, Decoding } from './decoding.ts';
import type { BatchFailure } from './messages.ts';
import type { ImageModel } from './session.ts';

export interface EmbeddedBatch {
  vectors: Float32Array;
  failures: BatchFailure[];
}

/** Embeds batches in the order in which they are added, all of them decoding from the start while one computes. */
export interface BatchQueue {
  add(id: number, paths: readonly (string | Uint8Array)[]): void;
  /** Skips a batch that has not begun to compute. */
  drop(id: number): void;
}

export function createBatchQueue(
  model: ImageModel,
  decoding: Decoding,
  onEmbedded: (id: number, batch: EmbeddedBatch) => Promise<void>,
  onLate: (id: number, index: number) => void,
): BatchQueue {
  const dropped = new Set<number>();
  let previous = Promise.resolve();

  async function embed(id: number, images: Promise<Decoded>[]): Promise<void> {
    const decoded = await Promise.all(images);
    // A turn of the loop: batches that were sent meanwhile begin to decode before the model blocks it again.
    await setImmediate();
    const batch = dropped.delete(id) ? emptyBatch(model, decoded.length) : await embedDecoded(model, decoded);
    await onEmbedded(id, batch);
  }

  return {
    add(id, paths) {
      const images = paths.map((path, index) => decoding.decode(path, () => onLate(id, index)));
      previous = previous.then(() => embed(id, images));
    },
    drop(id) {
      dropped.add(id);
    },
  };
}

function emptyBatch(model: ImageModel, images: number): EmbeddedBatch {
  return { vectors: new Float32Array(images * model.dim), failures: [] };
}

async function embedDecoded(model: ImageModel, decoded: readonly Decoded[]): Promise<EmbeddedBatch> {
  const batch = emptyBatch(model, decoded.length);
  const images: { index: number; pixels: Uint8Array }[] = [];
  for (const [index, image] of decoded.entries()) {
    if ('pixels' in image) images.push({ index, pixels: image.pixels });
    else batch.failures.push({ index, ...image });
  }
  if (images.length > 0) await runInto(batch, model, images);
  return batch;
}

/** What the runtime refuses as a batch it gets image by image, so that the one at fault is told from the others. */
async function runInto(
  batch: EmbeddedBatch,
  model: ImageModel,
  images: readonly { index: number; pixels: Uint8Array }[],
): Promise<void> {
  try {
    const vectors = await model.run(images.map(({ pixels }) => pixels));
    for (const [row, { index }] of images.entries())
      place(batch, index, vectors.subarray(row * model.dim, (row + 1) * model.dim));
  } catch (error) {
    if (images.length > 1) for (const image of images) await runInto(batch, model, [image]);
    else for (const { index } of images) batch.failures.push({ index, ...refusal(error as Error) });
  }
}

function refusal({ message }: Error) {
  return { code: 'inference_failed', message: message.split('\n', 1)[0] as string };
}

function place(batch: EmbeddedBatch, index: number, vector: Float32Array): void {
  if (normalize(vector)) batch.vectors.set(vector, index * vector.length);
  else
    batch.failures.push({
      index,
      code: 'vector_not_finite',
      message: 'the model gave a vector with NaN or infinity, or of only zeros',
    });
}
