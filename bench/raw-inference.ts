/**
 * The floor of embedding, in a process of its own: ONNX Runtime on random input in memory, with all cores to itself and
 * its default spinning threads. It answers the message `{ type: 'run', batches }` with `{ elapsedMs }`.
 */
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [graphFile, batchSize, threads, size] = process.argv.slice(2) as [string, string, string, string];

process.on('disconnect', () => process.exit(0));

const session = await InferenceSession.create(graphFile, { intraOpNumThreads: Number(threads), logSeverityLevel: 3 });
const [input] = session.inputMetadata;
const [output] = session.outputNames;
if (input === undefined || output === undefined) throw new Error('the graph has no input or no output');

const shape = [Number(batchSize), 3, Number(size), Number(size)];
const values = Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => Math.random() * 2 - 1);
const feeds = { [input.name]: new Tensor('float32', values, shape) };
await session.run(feeds, [output]);

process.on('message', async ({ batches }: { batches: number }) => {
  const started = performance.now();
  for (let i = 0; i < batches; i++) await session.run(feeds, [output]);
  process.send?.({ elapsedMs: performance.now() - started });
});
process.send?.({ elapsedMs: 0 });
