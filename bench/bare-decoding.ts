/**
 * The floor of embedding with a model that costs next to nothing: decode and resize as many images at a time as there
 * are cores. Set UV_THREADPOOL_SIZE to the number of cores.
 */
import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { isImageName } from '../core/media/images/formats.ts';
import { walk } from '../core/sources/folder/walk.ts';
import { createSelection } from '../core/sources/selection.ts';
import { answerOrders } from './bare-process.ts';

export interface BareDecodingOrder {
  folder: string;
  count: number;
  width: number;
  height: number;
  kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
}

if (import.meta.main) {
  sharp.concurrency(1);
  sharp.cache(false);
  answerOrders(decodeAll);
}

async function decodeAll({ folder, count, width, height, kernel }: BareDecodingOrder): Promise<number> {
  const started = performance.now();
  const paths: string[] = [];
  for await (const { files } of walk(folder, { selection: createSelection(isImageName) }))
    for (const { path } of files) paths.push(path);
  if (paths.length !== count) throw new Error(`${folder} holds ${paths.length} images, not ${count}`);
  const waiting = paths.values();
  const decodeUntilDone = async () => {
    for (const path of waiting) {
      await sharp(path, { autoOrient: true }).resize(width, height, { fit: 'fill', kernel }).raw().toBuffer();
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, decodeUntilDone));
  return performance.now() - started;
}
