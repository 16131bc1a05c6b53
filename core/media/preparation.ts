import type { GraphValue } from '../models/graph-values.ts';

/** An item as it comes to a preparation: its file's bytes, a file too large to hold, or what expanding the file gave. */
export type ItemInput = { bytes: Buffer } | { path: string | Buffer } | { value: unknown };

/** A tensor as ONNX Runtime takes it; float16 as its bits. */
export interface TensorData {
  type: 'float32' | 'float16' | 'uint8' | 'int32' | 'int64';
  elements: Float32Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array;
  dims: readonly number[];
}

/** How one vector an item is made of an output of [batch, tokens, dim]. */
export type Pooling = 'cls' | 'mean';

/** A preparation that knows the inputs of its model's graph. `Prepared` is what it makes of an item. */
export interface BoundPreparation<Prepared = unknown> {
  /** Items that go in at once, where the graph fixes that. */
  fixedBatch: number | undefined;
  /** For outputs of a vector per token. `mean` leaves out tokens that the input `attention_mask` marks with 0. */
  pooling: Pooling;
  /** An item to try the graph with. */
  blank: Prepared;
  /** Prepares one item. Several run at once. `onLate` is called where it takes so long that its thread is lost. @throws ItemError */
  prepare(item: ItemInput, onLate: () => void): Promise<Prepared>;
  /** The graph's inputs by name. Of `rows` rows, those behind the items hold anything that the graph takes. */
  feeds(items: readonly Prepared[], rows: number): Record<string, TensorData>;
}

/** What a medium's preparation module is given. */
export interface PreparationRequest {
  graphFile: string;
  /** The model's other files, in the order of the medium's layout. */
  files: readonly string[];
  /** The graph's inputs. */
  inputs: readonly GraphValue[];
  /** Items to prepare at a time. */
  threads: number;
  /** The medium's `preparation.options`. */
  options: unknown;
}

/** What a medium's preparation module exports as `openPreparation`. @throws ModelInvalidError naming the file and the field */
export type OpenPreparation = (request: PreparationRequest) => Promise<BoundPreparation>;
