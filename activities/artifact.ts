import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ArtifactStatus } from '../contract/job.ts';
import { headOf, type IndexedChunk, isIndexFile, writeIndexFile } from '../core/artifact/index-file.ts';
import { readManifest } from '../core/artifact/read-manifest.ts';
import { writeArtifact } from '../core/artifact/write-artifact.ts';
import { systemErrorCode, UserError } from '../core/errors.ts';
import { pathInSources } from '../core/folders.ts';
import { packWords } from '../core/packed-words.ts';
import { quantiseAll } from '../core/search/quantise.ts';
import type { Sources } from '../core/sources/source.ts';
import { currentSamples } from '../core/store/current-vectors.ts';
import { getDataset } from '../core/store/datasets.ts';
import { chunksOf, countChunks, type StoredChunk } from '../core/store/document-chunks.ts';
import { dimensionOf, partsOfKey, type VectorSet } from '../core/store/embeddings.ts';
import { noteArtifact } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { withSteps } from './heartbeats.ts';
import { requireRun } from './job-runs.ts';
import { createNoter } from './noter.ts';
import { withUserFailures } from './user-failures.ts';

export interface WriteArtifactInput {
  job_id: string;
  dataset: string;
  path: string;
  /** RFC 3339. Every attempt has the same, and so gives the same file. */
  created_at: string;
}

export interface WriteArtifactIndexInput {
  job_id: string;
  dataset: string;
  /** The artifact, and the file for its index. */
  path: string;
  index_path: string;
  /** The model whose vectors the index holds. */
  model_key: string;
}

export interface ArtifactDependencies {
  store: Store;
  sources: Sources;
}

export type ArtifactActivities = ReturnType<typeof createArtifactActivities>;

/** Creates the activity that writes the chunks of a dataset as a video of QR codes. */
export function createArtifactActivities({ store, sources }: ArtifactDependencies) {
  return withUserFailures({
    /** Writes the artifact. An attempt after a crash goes on after the last whole segment. */
    async writeArtifact({ job_id, dataset, path, created_at }: WriteArtifactInput): Promise<ArtifactStatus> {
      const work = withSteps(async ({ onStep, signal }) => {
        await requireRun(store, job_id);
        await requireArtifactPlace(path, sources);
        const { sources: roots } = await getDataset(store, dataset);
        const total = await countChunks(store, dataset);
        if (total === 0) throw notWritable(path, `${dataset} has no chunks.`);
        const noter = createNoter<ArtifactStatus>((status) => noteArtifact(store, job_id, status));
        const writing = writeArtifact(numbered(chunksOf(store, dataset), roots), {
          target: path,
          dataset,
          createdAt: created_at,
          signal,
          onProgress({ chunks, bytes: written }) {
            onStep();
            noter.note({ path, state: 'running', chunks, total, bytes: written });
          },
        });
        const { manifest, bytes } = await writing.catch((error: unknown) => {
          throw refusedOf(path, error);
        });
        const { chunks } = manifest;
        return noter.last({ path, state: 'completed', chunks, total: chunks, bytes });
      });
      return work.catch(async (error: unknown) => {
        // Phase 2 may take hours, and nobody should wait for an artifact that never comes.
        if (error instanceof UserError && error.code === 'ArtifactNotWritable') {
          const { code, message } = error;
          const failed = { path, state: 'failed', error: { code, message }, chunks: 0, total: 0, bytes: 0 } as const;
          await noteArtifact(store, job_id, failed);
        }
        throw error;
      });
    },

    /** Writes the index of an artifact: a vector and the words of each chunk. */
    async writeArtifactIndex(input: WriteArtifactIndexInput): Promise<ArtifactStatus> {
      const { job_id, dataset, path, index_path, model_key } = input;
      return withSteps(async ({ onStep, signal }) => {
        await requireRun(store, job_id);
        await requireIndexPlace(index_path, sources);
        const manifest = await readManifest(path);
        if (manifest === undefined) throw notWritable(path, 'it was damaged before its index was written.');
        const set = { datasetId: dataset, modelKey: model_key };
        const dim = (await dimensionOf(store, set)) ?? 0;
        if (dim === 0) throw notWritable(index_path, 'no chunk has a vector.');
        const head = headOf(manifest, { key: model_key, ...partsOfKey(model_key), dim });
        await writeIndexFile(index_path, head, indexedChunks(store, set, { onStep, signal })).catch(
          (error: unknown) => {
            throw refusedOf(index_path, error);
          },
        );
        const { size } = await stat(path);
        const { chunks } = manifest;
        const status: ArtifactStatus = { path, state: 'completed', chunks, total: chunks, bytes: size, index_path };
        await noteArtifact(store, job_id, status);
        return status;
      });
    },
  });
}

/**
 * Requires that an artifact may be written to a path: its folder is one that sources may be in, and no other file is
 * there.
 *
 * @throws UserError ArtifactNotWritable
 */
export async function requireArtifactPlace(path: string, sources: Sources): Promise<void> {
  await requirePlace(path, sources);
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  await readManifest(path).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw notWritable(path, 'another file is there, which is no artifact that can be read. Name another.');
  });
}

/**
 * Requires that a file may be written to a path: its folder is there, and is one that sources may be in.
 *
 * @throws UserError ArtifactNotWritable
 */
async function requirePlace(path: string, sources: Sources): Promise<void> {
  const folder = dirname(path);
  if (!(await sources.of(folder).allows({ path: folder })))
    throw notWritable(path, `${folder} is outside the folders that PLIMSOLL_SOURCE_ROOTS allows, or is not there.`);
  if (!((await stat(folder).catch(() => undefined))?.isDirectory() ?? false))
    throw notWritable(path, `there is no folder ${folder} on the machine of the indexing worker.`);
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw refusedOf(path, error);
  });
}

/**
 * Requires that an index may be written to a path: as for an artifact.
 *
 * @throws UserError ArtifactNotWritable
 */
export async function requireIndexPlace(path: string, sources: Sources): Promise<void> {
  await requirePlace(path, sources);
  if ((await stat(path).catch(() => undefined)) !== undefined && !(await isIndexFile(path)))
    throw notWritable(path, 'another file is there, which is no index of an artifact. Name another.');
}

/** The folder or the name is to blame, not the moment: another attempt would fail as well. */
const REFUSALS: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'EISDIR'];

function refusedOf(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  return REFUSALS.includes(code)
    ? notWritable(path, `writing there is not permitted or not possible (${code}).`)
    : error;
}

const notWritable = (path: string, why: string) =>
  new UserError('ArtifactNotWritable', `The artifact ${path} can't be written: ${why}`);

/** Chunks that are read together with their vectors. */
const BATCH = 500;

/** All that an index holds of each chunk of a dataset, in the order of its artifact. */
async function* indexedChunks(
  store: Store,
  set: VectorSet,
  { onStep, signal }: { onStep: () => void; signal: AbortSignal },
): AsyncGenerator<IndexedChunk> {
  let batch: StoredChunk[] = [];
  async function* flush() {
    // A vector of what a chunk held before is none of it.
    const found = await currentSamples(
      store,
      set,
      batch.map(({ seq }) => seq),
    );
    const bySeq = new Map(found.map(({ seq, vector }) => [seq, vector]));
    for (const { seq, text } of batch) {
      const vector = bySeq.get(seq);
      yield { vector: vector && quantiseAll(vector, vector.length), words: packWords(text) };
    }
    batch = [];
    signal.throwIfAborted();
    onStep();
  }
  for await (const chunk of chunksOf(store, set.datasetId)) if (batch.push(chunk) === BATCH) yield* flush();
  yield* flush();
}

/** Numbers the chunks, and names their documents as people know them. */
async function* numbered(chunks: ReturnType<typeof chunksOf>, roots: readonly string[]) {
  let n = 0;
  for await (const { filepath, ...chunk } of chunks) {
    yield { ...chunk, n, document: pathInSources(filepath, roots) };
    n += 1;
  }
}
