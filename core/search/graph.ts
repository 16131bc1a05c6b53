import { Index, MetricKind, ScalarKind } from 'usearch';
import type { GraphKind } from './vector-machine.ts';

const SCALARS: Record<GraphKind, ScalarKind> = {
  i8: ScalarKind.I8,
  f32: ScalarKind.F32,
  bf16: ScalarKind.BF16,
  b1: ScalarKind.B1,
};

/** Neighbours of a node, and how many are looked at while building and while searching: M, efConstruction and ef. */
const CONNECTIVITY = 16;
const EXPANSION_ADD = 128;
/** Words lie apart from the pictures of a model that reads both. Such queries need a wider look: 96 found 0.78. */
const EXPANSION_SEARCH = 512;

/** A graph of neighbours (HNSW: Malkov and Yashunin, 2016) over vectors with their seqs as keys. */
export function createGraph(dim: number, kind: GraphKind): Index {
  return new Index({
    dimensions: dim,
    // Bits are compared by how many differ; usearch makes them of the elements' signs.
    metric: kind === 'b1' ? MetricKind.Hamming : MetricKind.Cos,
    quantization: SCALARS[kind],
    connectivity: CONNECTIVITY,
    expansion_add: EXPANSION_ADD,
    expansion_search: EXPANSION_SEARCH,
    multi: false,
  });
}

/** The cosine that a graph's distance stands for. The part of signs that differ is the angle of two vectors / pi. */
export function scoreOf(kind: GraphKind, dim: number, distance: number): number {
  return kind === 'b1' ? Math.cos((Math.PI * distance) / dim) : 1 - distance;
}
