/**
 * The inference process: decodes images and runs one model on one device, for the worker that forked it. In a process of its own
 * because ONNX Runtime blocks the thread that it runs on, and because native code that crashes must not take the worker along.
 */
import process from 'node:process';
import sharp from 'sharp';
import { offerToEnd } from '../core/concurrency/offer-to-end.ts';
import { readPreprocessing } from '../core/media/images/preprocessing.ts';
import { ModelInvalidError, toPortable } from '../core/models/errors.ts';
import { externalWeightFiles } from '../core/models/external-weights.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { type HashedFile, revisionOf } from '../core/models/revision.ts';
import { type BatchQueue, createBatchQueue } from './batches.ts';
import { createDecoding } from './decoding.ts';
import type { Reply, Request } from './messages.ts';
import { loadImageModel } from './session.ts';

// The worker's end is this process's end; not exit, which would wait for the threads that decode. A Ctrl-C meant for the worker reaches this process too, and it decides.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

// Parallel over images, not within one; and a file that was replaced must not come from a cache.
sharp.concurrency(1);
sharp.cache(false);
// No drawing is opened as a file, whatever a file becomes while it is read: librsvg would follow what it links to.
sharp.block({ operation: ['VipsForeignLoadSvgFile'] });

offerToEnd();

// onnxruntime-node 1.30 takes tensors of Float16Array for empty ones. Where this class is not there, half floats are plain bits.
Reflect.deleteProperty(globalThis, 'Float16Array');

let batches: BatchQueue | undefined;

process.on('message', (request: Request) => {
  if (request.type === 'load') void load(request);
  else if (request.type === 'batch') batches?.add(request.id, request.paths);
  else batches?.drop(request.id);
});

async function load({ files, settings, known }: Request & { type: 'load' }): Promise<void> {
  try {
    const preprocessing = await readPreprocessing(files.preprocessorFile);
    const { revision, files: hashedFiles } = await hashModel(files, known);
    const model = await loadImageModel(files, preprocessing, settings);
    const limits = { maxPixels: settings.maxPixels, timeoutSeconds: settings.decodeTimeoutSeconds };
    batches = createBatchQueue(
      model,
      createDecoding(preprocessing.geometry, limits, settings.threads),
      (id, batch) => reply({ type: 'embedded', id, ...batch }),
      (id, index) => void reply({ type: 'late', id, index }),
    );
    const { dim, batchSize } = model;
    await reply({ type: 'loaded', model: { revision, dim, batchSize, hashedFiles } });
  } catch (error) {
    await reply({ type: 'refused', error: toPortable(error) });
  }
}

async function hashModel(files: ModelFiles, known: HashedFile[]) {
  try {
    const weights = await externalWeightFiles(files.graphFile);
    return await revisionOf([files.graphFile, ...weights, files.preprocessorFile], known);
  } catch (error) {
    throw new ModelInvalidError(`${files.graphFile} can't be read: ${(error as Error).message}`);
  }
}

/** Resolves when the system has the message, so that a crash right after does not lose it. */
function reply(message: Reply): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });
}
