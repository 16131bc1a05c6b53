import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { openArtifact } from '../core/artifact/open-artifact.ts';
import { artifactChunks } from './artifact-chunks.ts';
import type { BareFramesOrder } from './bare-frames.ts';
import { startBareProcess } from './bare-process.ts';
import { type Measurement, scaled } from './context.ts';
import { hold, spreadOf } from './figure.ts';
import { percentile } from './searched-dataset.ts';
import type { WriteFramesAnswer, WriteFramesOrder } from './write-frames.ts';

const COUNT = 1115;
const SECONDS_AT_MOST = 15;
const RATIO_AT_MOST = 1.15;
const READS = 200;

/** Measures writing an artifact, each frame read back, its size, and reading single chunks. */
export const artifactMeasurement: Measurement = {
  name: 'artifact',
  summary: `write ${COUNT.toLocaleString('en-US')} chunks of 1,000 characters as a video of QR codes, and read them`,
  byDefault: true,
  async measure(context) {
    const count = scaled(context, COUNT);
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'));
    const target = join(folder, 'memory.mp4');
    const floor = startBareProcess<BareFramesOrder>('./bare-frames.ts', []);
    const seconds: number[] = [];
    const cpu: number[] = [];
    const floorCpu: number[] = [];
    let bytes = 0;
    try {
      for (let run = 0; run < context.runs; run++) {
        floorCpu.push(await floor.run({ count }));
        const written = await writeFrames({ target, count });
        seconds.push(written.seconds);
        cpu.push(written.cpuSeconds ?? Number.NaN);
        bytes = written.bytes;
        context.report(`artifact: ${written.seconds.toFixed(1)} s, ${written.cpuSeconds?.toFixed(1)} s of CPU`);
      }
      const reads = await timeReads(target);
      const text = Buffer.from(
        artifactChunks(count)
          .map((chunk) => chunk.text)
          .join('\n'),
      );
      const spread = spreadOf(cpu);
      const floorSpread = spreadOf(floorCpu);
      const ratio = spread.value / floorSpread.value;
      const wall = spreadOf(seconds).value;
      return [
        {
          measurement: 'artifact',
          what: `CPU to write ${count.toLocaleString('en-US')} chunks, each frame read back`,
          unit: 's',
          count,
          ...spread,
          floor: { what: 'CPU of qr, sharp and zxing-wasm alone, the same frames', ...floorSpread },
          ratio,
          targets: [
            hold({ what: 'seconds', value: wall, at_most: SECONDS_AT_MOST, unit: 's' }, context.scale),
            hold({ what: 'ratio to the floor', value: ratio, at_most: RATIO_AT_MOST, unit: '' }, context.scale),
          ],
          facts: {
            size: sizeInWords(bytes, text),
            'one chunk': `p50 ${percentile(reads, 0.5).toFixed(1)} ms, p99 ${percentile(reads, 0.99).toFixed(1)} ms`,
          },
          bound_by: 'AV1: half of it is the encoder, a third the decoder',
          peak_memory_bytes: {},
          cpu_seconds: {},
          histories: [],
        },
      ];
    } finally {
      floor.end();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function sizeInWords(bytes: number, text: Buffer): string {
  const times = (base: number) => (bytes / base).toFixed(1);
  return `${(bytes / 1e6).toFixed(2)} MB: ${times(text.length)} times the text, ${times(gzipSync(text).length)} times its gzip`;
}

async function writeFrames(order: WriteFramesOrder): Promise<WriteFramesAnswer> {
  const child = fork(fileURLToPath(new URL('./write-frames.ts', import.meta.url)));
  child.send(order);
  const answer = await Promise.race([
    once(child, 'message').then(([message]) => message as WriteFramesAnswer),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`write-frames.ts ended with code ${code}`))),
  ]);
  return answer;
}

/** Milliseconds of each read of a chunk somewhere in the artifact. */
async function timeReads(path: string): Promise<number[]> {
  const artifact = await openArtifact(path);
  const times: number[] = [];
  for (let read = 0; read < READS; read++) {
    const started = performance.now();
    await artifact.chunk((read * 379) % artifact.count);
    times.push(performance.now() - started);
  }
  artifact.close();
  return times;
}
