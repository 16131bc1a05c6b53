/**
 * Compares the vectors of a device with those of the CPU, and those of images as bytes with those of images as floats.
 *
 *     node bench/same-vectors.ts IMAGES_FOLDER MODEL_FOLDER        PLIMSOLL_DEVICE names the device
 */
import process from 'node:process';
import { imagesMedium } from '../core/media/images/medium.ts';
import { createEmbedder } from '../inference/embedder.ts';
import type { InferenceSettings } from '../inference/settings.ts';
import { imagesIn } from './images-in.ts';

const IMAGES = 64;

const [imagesDir, modelDir] = process.argv.slice(2);
if (imagesDir === undefined || modelDir === undefined) {
  console.error('usage: node bench/same-vectors.ts IMAGES_FOLDER MODEL_FOLDER');
  process.exit(2);
}
const items = (await imagesIn(imagesDir, IMAGES)).map((path) => ({ path }));

async function vectorsBy(model: string, settings: Partial<InferenceSettings>): Promise<Float32Array[]> {
  const embedder = createEmbedder(settings);
  try {
    const outcomes = await embedder.embed(model, imagesMedium(), items);
    return outcomes.map((outcome) => {
      if ('vector' in outcome) return outcome.vector;
      throw new Error(JSON.stringify(outcome));
    });
  } finally {
    await embedder.close();
  }
}

/** The largest difference of two elements, and the least cosine of two vectors of length 1. */
function compare(what: string, a: readonly Float32Array[], b: readonly Float32Array[]): void {
  let largest = 0;
  let leastCosine = 1;
  for (const [n, vector] of a.entries()) {
    const other = b[n] as Float32Array;
    let cosine = 0;
    for (const [i, value] of vector.entries()) {
      largest = Math.max(largest, Math.abs(value - (other[i] as number)));
      cosine += value * (other[i] as number);
    }
    leastCosine = Math.min(leastCosine, cosine);
  }
  console.log(JSON.stringify({ what, largestDifference: largest, leastCosine }));
}

const bytes = await vectorsBy(modelDir, {});
compare('bytes and floats on the device', bytes, await vectorsBy(modelDir, { takesBytes: false }));
const onCpu = await vectorsBy(modelDir, { devices: [{ type: 'cpu' }], takesBytes: false });
compare('device and CPU', bytes, onCpu);
compare('fp16 on the device and fp32 on the CPU', await vectorsBy(`${modelDir}:fp16`, {}), onCpu);
