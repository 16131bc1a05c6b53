import type { ExportFormat, ExportOutput } from '../export-format.ts';
import type { NamedSample } from '../export-request.ts';
import { rowOf } from './jsonl.ts';
import { npyHeader } from './npy-header.ts';

/**
 * `vectors.npy`, a row of float32 for each sample, and `samples.jsonl` with what each row is about, in the same order.
 * Samples without a vector are in neither.
 */
export const npy: ExportFormat = {
  imagePath: ({ exported }) => `images/${exported}`,
  refuse: ({ vector }) => (vector === undefined ? 'no_vector' : undefined),
  write,
};

async function write(samples: AsyncIterable<NamedSample>, { folder, counts, request }: ExportOutput): Promise<void> {
  const vectors = await folder.draft('vectors.npy');
  const rows = await folder.draft('samples.jsonl');
  await vectors.write(npyHeader('<f4', [0, 0]));
  let count = 0;
  let length: number | undefined;
  for await (const sample of samples) {
    const { seq, vector = new Float32Array(), annotations } = sample;
    length ??= vector.length;
    if (vector.length !== length)
      throw new RangeError(`Sample ${seq} has a vector of ${vector.length} numbers, not ${length}.`);
    count += 1;
    counts.annotations += annotations.length;
    await vectors.write(littleEndian(vector));
    await rows.write(`${JSON.stringify({ seq, ...rowOf(sample, request), annotations })}\n`);
  }
  await vectors.patch(npyHeader('<f4', [count, length ?? 0]), 0);
  await vectors.commit();
  await rows.commit();
}

/** A copy, since the vector may be changed before it is written. */
function littleEndian(vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, index) => {
    bytes.writeFloatLE(value, index * 4);
  });
  return bytes;
}
