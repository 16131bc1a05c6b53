/**
 * The encoder process: runs one model on one device, for the worker that forked it. It is a separate process because ONNX
 * Runtime blocks its thread, and because a native crash must not end the worker. It is independent of any medium: the
 * message that loads the model names the module that makes tensors of items.
 */
import process from 'node:process';
import type { OpenPreparation } from '../core/media/preparation.ts';
import { ModelInvalidError, toPortable } from '../core/models/errors.ts';
import { externalWeightFiles } from '../core/models/external-weights.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { type HashedFile, revisionOf } from '../core/models/revision.ts';
import { keepCompiled } from '../core/processes/keep-compiled.ts';
import { type BatchQueue, createBatchQueue } from './batch-queue.ts';
import { beginChild, reply } from './child.ts';
import type { EncoderReply, EncoderRequest } from './messages.ts';
import { loadModel } from './session.ts';

const beating = beginChild();

// onnxruntime-node 1.30 treats tensors of Float16Array as empty. Without the class, half floats are plain bits.
Reflect.deleteProperty(globalThis, 'Float16Array');

let batches: BatchQueue | undefined;

process.on('message', (request: EncoderRequest) => {
  switch (request.type) {
    case 'load':
      return void load(request);
    case 'encode':
      return batches?.add(request.id, request.items);
    case 'drop':
      return batches?.drop(request.id);
  }
});

async function load({ files, settings, known, side }: EncoderRequest & { type: 'load' }): Promise<void> {
  try {
    await beating;
    const { openPreparation } = (await import(side.module)) as { openPreparation: OpenPreparation };
    const { revision, files: hashedFiles } = await hashModel(files, known);
    const model = await loadModel(files, settings, side, openPreparation);
    batches = createBatchQueue(model, {
      onRun: () => reply<EncoderReply>({ type: 'running' }),
      onEncoded: (id, batch) => reply<EncoderReply>({ type: 'encoded', id, ...batch }),
      onUnusable: (message) =>
        reply<EncoderReply>({ type: 'refused', error: toPortable(new Error(`The encoder can't go on: ${message}`)) }),
    });
    const { dim, output, batchSize, largestBatch, preparation, takesBytes } = model;
    const { decoding } = preparation;
    await reply<EncoderReply>({
      type: 'loaded',
      model: { revision, dim, output, batchSize, largestBatch, takesBytes, hashedFiles, decoding },
    });
    keepCompiled();
  } catch (error) {
    await reply<EncoderReply>({ type: 'refused', error: toPortable(error) });
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
