import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectId } from 'mongodb';
import { batchesOf } from '../core/embedding/batches.ts';
import { createChunker } from '../core/media/documents/chunk/chunk-document.ts';
import { extractDocument } from '../core/media/documents/extract/extract-document.ts';
import { fetchModel } from '../local/models/fetch-model.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { hold, spreadOf } from './figure.ts';
import { benchTextEmbedding } from './text-embedding.ts';
import { textFolder } from './text-folders.ts';

const COUNT = 1115;
const MODEL = 'minilm-l6-v2';
const BATCH_SIZE = 32;
const AT_MOST = 1.1;
/** All that a load of documents does by default. */
const CHUNKS = { size: 240, overlap: 32, unit: 'tokens' } as const;

/** Measures chunks to vectors with MiniLM against raw ONNX Runtime on the same batches, without Temporal and store. */
export const minilmMeasurement: Measurement = {
  name: 'minilm',
  summary: `embed ${COUNT.toLocaleString('en-US')} chunks with MiniLM on the CPU, beside raw ONNX Runtime`,
  byDefault: true,
  async measure(context) {
    const { model } = await fetchModel(MODEL, { env: context.env, report: context.report, signal: context.signal });
    const count = scaled(context, COUNT);
    const texts = await chunksOf(context, model.folder, count);
    const batches = batchesOf(
      texts.map(({ text, tokens }, seq) => ({
        _id: new ObjectId(),
        seq,
        file: { path: text },
        version: '',
        length: tokens,
        stale: false,
        failedBefore: false,
      })),
      BATCH_SIZE,
    ).map((batch) => batch.map(({ file }) => String(file.path)));
    const rounds = await benchTextEmbedding({ modelDir: model.folder, batches, rounds: context.runs });
    const [embedder, raw] = [rounds.map((round) => round.embedder), rounds.map((round) => round.raw)];
    context.report(`minilm: ${embedder.map((rate) => rate.toFixed(1)).join(', ')} chunks/s`);
    const slower = spreadOf(rounds.map((round) => round.raw / round.embedder)).value;
    return [
      {
        measurement: 'minilm',
        what: `embed ${count} chunks with ${MODEL} of ${model.repository}, batches of ${BATCH_SIZE}`,
        unit: 'chunks/s',
        count,
        ...spreadOf(embedder),
        floor: { what: 'raw ONNX Runtime, same batches and threads, nothing to tokenize', ...spreadOf(raw) },
        ratio: 1 / slower,
        targets: [hold({ what: 'times raw', value: slower, at_most: AT_MOST, unit: '' }, context.scale)],
        bound_by: "the model's arithmetic",
        peak_memory_bytes: {},
        cpu_seconds: {},
        histories: [],
      },
    ];
  },
};

/** The first chunks of the documents that are made for a benchmark, as a load cuts them with the model's tokenizer. */
async function chunksOf(context: BenchContext, model: string, count: number) {
  const { folder } = await textFolder(context, count);
  const tokenizer = { tokenizerFile: join(model, 'tokenizer.json'), configFile: join(model, 'tokenizer_config.json') };
  const chunk = await createChunker({ ...CHUNKS, tokenizer });
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md')).sort();
  const chunks: { text: string; tokens: number }[] = [];
  for (const name of names) {
    chunks.push(...chunk(await extractDocument(await readFile(join(folder, name)), name)));
    if (chunks.length >= count) break;
  }
  return chunks.slice(0, count);
}
