/**
 * The encoder process: prepares items and runs one model on one device, for the worker that forked it. It is a separate
 * process because ONNX Runtime blocks its thread, and because a native crash must not end the worker. It is independent
 * of any medium: the message that loads the model names the module that prepares items.
 */
import { extname } from 'node:path';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { offerToEnd } from '../core/concurrency/offer-to-end.ts';
import type { OpenPreparation } from '../core/media/preparation.ts';
import { ModelInvalidError, toPortable } from '../core/models/errors.ts';
import { externalWeightFiles } from '../core/models/external-weights.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { type HashedFile, revisionOf } from '../core/models/revision.ts';
import { keepCompiled } from '../core/processes/keep-compiled.ts';
import { type BatchQueue, createBatchQueue } from './batch-queue.ts';
import { createItemReader } from './item-reader.ts';
import type { Reply, Request } from './messages.ts';
import { loadModel } from './session.ts';

// This process ends with the worker. `exit` would wait for the decoding threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A Ctrl-C for the worker also reaches this process. The worker decides what to do.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

offerToEnd();

// V8 would let garbage fill a large heap before it collects any.
new Worker(new URL(`./pulse-thread${extname(import.meta.url)}`, import.meta.url), {
  resourceLimits: { maxYoungGenerationSizeMb: 1 },
});

// onnxruntime-node 1.30 treats tensors of Float16Array as empty. Without the class, half floats are plain bits.
Reflect.deleteProperty(globalThis, 'Float16Array');

const reader = createItemReader();
let batches: BatchQueue | undefined;

const ALIVE_EVERY_MS = 1000;
let aliveAt = Number.NEGATIVE_INFINITY;

process.on('message', (request: Request) => {
  switch (request.type) {
    case 'load':
      return void load(request);
    case 'read':
      return void read(request);
    case 'encode':
      return batches?.add(request.id, request.items);
    case 'drop':
      return batches?.drop(request.id);
    case 'forget':
      for (const key of request.keys) reader.forget(key);
  }
});

async function load({ files, settings, known, side }: Request & { type: 'load' }): Promise<void> {
  try {
    const { openPreparation } = (await import(side.module)) as { openPreparation: OpenPreparation };
    const { revision, files: hashedFiles } = await hashModel(files, known);
    const model = await loadModel(files, settings, side, openPreparation);
    batches = createBatchQueue(model, reader, {
      onRun: () => reply({ type: 'running' }),
      onEncoded: (id, batch) => reply({ type: 'encoded', id, ...batch }),
      onLate: (id, index) => void reply({ type: 'late', id, index }),
    });
    const { dim, output, batchSize } = model;
    await reply({ type: 'loaded', model: { revision, dim, output, batchSize, hashedFiles } });
    keepCompiled();
  } catch (error) {
    await reply({ type: 'refused', error: toPortable(error) });
  }
}

async function hashModel(files: ModelFiles, known: HashedFile[]) {
  try {
    const weights = await externalWeightFiles(files.graphFile);
    const optional = Object.values(files.optional).filter((path) => path !== undefined);
    return await revisionOf([files.graphFile, ...weights, ...files.files, ...optional], known);
  } catch (error) {
    throw new ModelInvalidError(`${files.graphFile} can't be read: ${(error as Error).message}`);
  }
}

async function read({ id, files }: Request & { type: 'read' }): Promise<void> {
  aliveAt = performance.now();
  const contents = await Promise.all(
    files.map(({ key, path }) => reader.hash(key, path, isAlive).catch(toPortable).finally(isAlive)),
  );
  await reply({ type: 'read', id, contents });
}

/** Tells the worker about once a second that files are being read, however large they are. */
function isAlive(): void {
  if (performance.now() - aliveAt < ALIVE_EVERY_MS) return;
  aliveAt = performance.now();
  void reply({ type: 'alive' });
}

/** Resolves once the message is handed to the system, so a crash right afterwards does not lose it. */
function reply(message: Reply): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });
}
