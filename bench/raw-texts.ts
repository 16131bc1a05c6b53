/**
 * The floor of embedding texts, in a process of its own: ONNX Runtime on batches that are tensors already, with all
 * cores to itself and its default spinning threads. It answers the message `{ batches: string[][] }` when the tensors
 * are made, and each message `{ run: true }` with `{ elapsedMs }`.
 *
 *     node bench/raw-texts.ts MODEL_FOLDER THREADS
 */
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { documentsMedium } from '../core/media/documents/medium.ts';
import { openPreparation } from '../core/media/documents/preparation.ts';
import { findModel } from '../core/models/find-model.ts';

const [modelDir, threads] = process.argv.slice(2) as [string, string];

process.on('disconnect', () => process.exit(0));

const { graphFile, files, optional } = await findModel(modelDir, documentsMedium().models);
const session = await InferenceSession.create(graphFile, { intraOpNumThreads: Number(threads), logSeverityLevel: 3 });
const inputs = session.inputMetadata.map((input) =>
  input.isTensor
    ? { name: input.name, type: input.type, shape: input.shape }
    : { name: input.name, type: '', shape: [] },
);
const preparation = await openPreparation({ graphFile, files, optional, inputs, options: null });
let feeds: Record<string, Tensor>[] = [];

async function feedsOf(texts: readonly string[]): Promise<Record<string, Tensor>> {
  const prepared = await Promise.all(texts.map((text) => preparation.prepare({ text })));
  const tensors = Object.entries(preparation.feeds(prepared, prepared.length));
  return Object.fromEntries(
    tensors.map(([name, { elements, dims }]) => [name, new Tensor('int64', elements as BigInt64Array, dims)]),
  );
}

process.on('message', async ({ batches }: { batches?: string[][] }) => {
  if (batches !== undefined) {
    feeds = await Promise.all(batches.map(feedsOf));
    // Memory for the longest batch is taken once.
    await session.run(feeds[0] as Record<string, Tensor>);
  }
  const started = performance.now();
  if (batches === undefined) for (const each of feeds) await session.run(each);
  process.send?.({ elapsedMs: performance.now() - started });
});
process.send?.({ elapsedMs: 0 });
