import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGraph } from '../scripts/onnx.ts';

const SIDE = 224;

/** Writes a model that takes pixels as they are and computes next to nothing, and returns its folder. */
export async function makeBlankModel(cacheDir: string): Promise<string> {
  const folder = join(cacheDir, 'blank-v1');
  await mkdir(folder, { recursive: true });
  const graph = createGraph({ name: 'blank' });
  const pixels = graph.input('pixels', 'uint8', ['batch', SIDE, SIDE, 3]);
  const [start, end, axes] = [
    [0, 0],
    [1, 4],
    [1, 2],
  ].map((values) => graph.constant('int64', [2], values)) as [string, string, string];
  const corner = graph.apply('Flatten', [graph.apply('Slice', [pixels, start, end, axes])], { axis: 1 });
  const floats = graph.apply('Cast', [corner], { to: 1 });
  graph.apply('Add', [floats, graph.constant('float32', [], [1])], {}, 'embeddings');
  graph.output('embeddings', 'float32', ['batch', 12]);
  await writeFile(join(folder, 'model.onnx'), graph.encode());
  const size = { height: SIDE, width: SIDE };
  const preprocessing = { size, resample: 2, do_rescale: false, do_normalize: false };
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessing));
  return folder;
}
