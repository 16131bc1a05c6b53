import { randomNumbers } from '../scripts/random-numbers.ts';

/** Makes vectors one after the other, the same ones at each run. */
export type VectorSource = (into: Float32Array, at: number) => void;

const CLUSTERS = 1000;
/** Shares of a vector's squared length: what all have in common, its cluster's, and its own. */
const COMMON = 0.5;
const CLUSTER = 0.3;
const OWN = 0.2;
/** Element k of what is random has this power of k as its spread: a few directions hold most of the variance. */
const SPECTRUM = -0.5;

/**
 * Vectors of length 1 with the structure of a learned model's: two of them have a cosine of about 0.5, most of their
 * variance lies in a few directions that no single element holds, and neighbours share a cluster. Random vectors without
 * a structure have no neighbours to speak of, and a graph finds fewer of them. `dim` is a power of 2.
 */
export function learnedVectors(dim: number, seed = 1): VectorSource {
  if ((dim & (dim - 1)) !== 0) throw new RangeError(`${dim} is not a power of 2`);
  const random = randomNumbers(seed);
  const normal = normalNumbers(random);
  const spread = Float32Array.from({ length: dim }, (_, k) => (k + 1) ** SPECTRUM);
  const signs = Float32Array.from({ length: dim }, () => (random() < 0.5 ? -1 : 1));
  const part = () => toLength1(spread.map((each) => each * normal()));
  const common = part();
  const centres = Array.from({ length: CLUSTERS }, part);
  const drawn = new Float32Array(dim);
  return (into, at) => {
    // Low numbers are drawn more often: clusters differ in size.
    const centre = centres[Math.floor(random() ** 2 * CLUSTERS)] as Float32Array;
    const own = part();
    for (let i = 0; i < dim; i += 1) {
      drawn[i] =
        Math.sqrt(COMMON) * (common[i] as number) +
        Math.sqrt(CLUSTER) * (centre[i] as number) +
        Math.sqrt(OWN) * (own[i] as number);
    }
    into.set(rotate(toLength1(drawn), signs), at);
  };
}

/** Box and Muller's method makes two numbers at a time. */
function normalNumbers(random: () => number): () => number {
  let kept: number | undefined;
  return () => {
    if (kept !== undefined) {
      const number = kept;
      kept = undefined;
      return number;
    }
    const length = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    kept = length * Math.sin(angle);
    return length * Math.cos(angle);
  };
}

function toLength1(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const element of vector) sum += element * element;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] as number) * scale;
  return vector;
}

/** A rotation that spreads each direction over all elements: signs, then Hadamard's matrix. */
function rotate(vector: Float32Array, signs: Float32Array): Float32Array {
  const dim = vector.length;
  for (let i = 0; i < dim; i += 1) vector[i] = (vector[i] as number) * (signs[i] as number);
  for (let half = 1; half < dim; half *= 2) {
    for (let first = 0; first < dim; first += 2 * half) {
      for (let i = first; i < first + half; i += 1) {
        const [a, b] = [vector[i] as number, vector[i + half] as number];
        vector[i] = a + b;
        vector[i + half] = a - b;
      }
    }
  }
  return toLength1(vector);
}
