/** Writes an artifact in a process of its own, so that its CPU time with that of its encoders can be told. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ArtifactChunk } from '../core/artifact/artifact-chunk.ts';
import { writeArtifact } from '../core/artifact/write-artifact.ts';
import { artifactChunks } from './artifact-chunks.ts';

export interface WriteFramesOrder {
  target: string;
  count: number;
}

export interface WriteFramesAnswer {
  seconds: number;
  /** CPU seconds of this process and of its encoders; undefined if the system does not report it. */
  cpuSeconds: number | undefined;
  bytes: number;
}

const TICKS_PER_SECOND = 100;

if (import.meta.main) {
  process.once('message', async ({ target, count }: WriteFramesOrder) => {
    const chunks = artifactChunks(count);
    const before = cpu();
    const started = performance.now();
    const { bytes } = await writeArtifact(oneByOne(chunks), {
      target,
      dataset: 'docs',
      createdAt: '2026-01-01T00:00:00Z',
    });
    const seconds = (performance.now() - started) / 1000;
    // The system counts the CPU of a child when it has ended.
    while (children().length > 0) await delay(10);
    const after = cpu();
    const cpuSeconds = before === undefined || after === undefined ? undefined : after - before;
    process.send?.({ seconds, cpuSeconds, bytes } satisfies WriteFramesAnswer, () => process.exit(0));
  });
}

async function* oneByOne(chunks: readonly ArtifactChunk[]): AsyncGenerator<ArtifactChunk> {
  yield* chunks;
}

/** Fields 14 to 17 of /proc/self/stat: user and system time of this process and of its children that ended. */
function cpu(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

function children(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
}
