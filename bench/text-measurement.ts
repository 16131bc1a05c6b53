import type { SearchMode } from '../contract/search.ts';
import { countChunks } from '../core/store/document-chunks.ts';
import { startBareProcess } from './bare-process.ts';
import type { BareTextOrder } from './bare-text.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { cpuBetween } from './cpu-time.ts';
import { type Figure, hold, spreadOf, type Target } from './figure.ts';
import { percentile, times } from './searched-dataset.ts';
import { textFolder } from './text-folders.ts';
import { timeLoad } from './timed-load.ts';

export interface TextOptions {
  name: string;
  chunks: number;
  byDefault: boolean;
  runs?: number;
  targets: {
    /** Seconds until phase 1 is over, and until both are. */
    browsable?: number;
    both?: number;
    /** Megabytes of a worker at most. */
    memory?: number;
    /** Milliseconds of a search over HTTP by words and vectors. */
    p99?: number;
  };
}

const DATASET = 'bench';
/** Until V8 has compiled the path of a search. */
const WARM_UP = 200;
/** A section of a document is a chunk. */
const CHUNKS = { size: 2000, overlap: 0, unit: 'characters' } as const;

/** Measures a load of documents through both phases with the built-in model, and searches over HTTP. */
export function textMeasurement({
  name,
  chunks: fullChunks,
  byDefault,
  targets,
  ...options
}: TextOptions): Measurement {
  return {
    name,
    summary: `load ${fullChunks.toLocaleString('en-US')} chunks of documents, both phases, and search them over HTTP`,
    byDefault,
    async measure(context) {
      const chunks = scaled(context, fullChunks);
      const runs = options.runs ?? context.runs;
      const { folder, documents, questions } = await textFolder(context, chunks);
      const held = (target: Omit<Target, 'met'>) => hold(target, context.scale);
      return withStack(
        context,
        ['indexing', 'embedding'],
        async ({ client, mongodbUri, apiUrl, memory, cpuSeconds }) => {
          const floor = startBareProcess<BareTextOrder>('./bare-text.ts', [mongodbUri]);
          const floorSeconds: number[] = [];
          const browsable: number[] = [];
          const both: number[] = [];
          let cpu: Record<string, number> = {};
          try {
            for (let run = 0; run < runs; run += 1) {
              floorSeconds.push(await floor.run({ folder, chunks, chunking: CHUNKS }));
              const dataset = run === 0 ? DATASET : `${DATASET}-${run}`;
              const before = await cpuSeconds();
              const load = await timeLoad(
                client,
                { dataset, source: folder, media: 'text', chunks: CHUNKS },
                documents,
              );
              cpu = cpuBetween(before, await cpuSeconds());
              const stored = await countChunks(client.store, dataset);
              if (stored !== chunks) throw new Error(`${stored} chunks, not ${chunks}`);
              browsable.push(load.indexedSeconds);
              both.push(load.completedSeconds);
              context.report(
                `${name}: ${browsable.at(-1)?.toFixed(2)} s, both phases ${both.at(-1)?.toFixed(2)} s, ` +
                  `floor ${floorSeconds.at(-1)?.toFixed(2)} s`,
              );
            }
          } finally {
            floor.end();
          }
          const peak = await memory.end();
          const of = `${chunks.toLocaleString('en-US')} chunks`;
          const shared = { measurement: name, count: chunks, floor: null, ratio: null, histories: [] };
          const floorSpread = spreadOf(floorSeconds);
          const figures: Figure[] = [
            {
              ...shared,
              what: `${of}: start call to browsable`,
              unit: 's',
              ...spreadOf(browsable),
              targets: bounds(held, 'time', spreadOf(browsable).value, targets.browsable, 's'),
              bound_by: 'extraction and words in the reader processes, and inserts in mongod',
              peak_memory_bytes: peak,
              cpu_seconds: cpu,
            },
            {
              ...shared,
              what: `${of}: start call to the end of both phases`,
              unit: 's',
              ...spreadOf(both),
              floor: { what: 'extraction, words, vectors and inserts in one process', ...floorSpread },
              ratio: spreadOf(both).value / floorSpread.value,
              targets: [
                ...bounds(held, 'time', spreadOf(both).value, targets.both, 's'),
                ...['worker-indexing', 'worker-embedding'].flatMap((worker) =>
                  bounds(held, `${worker}, peak memory`, (peak[worker] ?? Number.NaN) / 1e6, targets.memory, 'MB'),
                ),
              ],
              bound_by:
                'the CPU: words in the readers and the encoder, BSON in the workers, inserts in mongod, the index',
              peak_memory_bytes: peak,
              cpu_seconds: cpu,
            },
          ];
          for (const mode of ['hybrid', 'words', 'vector'] as const) {
            const ask = (question: string) => searchOverHttp(apiUrl, question, mode);
            for (const question of questions.slice(0, WARM_UP)) await ask(question);
            const asked = questions.values();
            const before = await cpuSeconds();
            const took = await times(questions.length, () => ask(asked.next().value as string));
            figures.push({
              ...shared,
              what: `a question to ${of}, ${mode}, over HTTP: p50 of ${questions.length}`,
              unit: 'ms',
              ...spreadOf([percentile(took, 0.5)]),
              targets: mode === 'hybrid' ? bounds(held, 'p99', percentile(took, 0.99), targets.p99, 'ms') : [],
              facts: { p99: `${percentile(took, 0.99).toFixed(1)} ms` },
              bound_by: 'the scan of vectors, and reading candidates from MongoDB',
              peak_memory_bytes: {},
              cpu_seconds: cpuBetween(before, await cpuSeconds()),
            });
          }
          return figures;
        },
        { sourceRoots: [folder] },
      );
    },
  };
}

function bounds(
  held: (target: Omit<Target, 'met'>) => Target,
  what: string,
  value: number,
  at_most: number | undefined,
  unit: string,
): Target[] {
  return at_most === undefined ? [] : [held({ what, value, at_most, unit })];
}

async function searchOverHttp(apiUrl: string | undefined, text: string, mode: SearchMode): Promise<void> {
  const response = await fetch(`${apiUrl}/api/datasets/${DATASET}/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, mode, limit: 10 }),
  });
  const answer = (await response.json()) as { hits?: unknown[] };
  if (!response.ok || answer.hits?.length !== 10)
    throw new Error(`a search gave ${JSON.stringify(answer).slice(0, 300)}`);
}
