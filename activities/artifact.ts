import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ArtifactStatus } from '../contract/job.ts';
import { openArtifact } from '../core/artifact/open-artifact.ts';
import { writeArtifact } from '../core/artifact/write-artifact.ts';
import { UserError } from '../core/errors.ts';
import { relativeTo } from '../core/folders.ts';
import type { Sources } from '../core/sources/source.ts';
import { getDataset } from '../core/store/datasets.ts';
import { chunksOf, countChunks } from '../core/store/document-chunks.ts';
import { noteArtifact } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { withSteps } from './heartbeats.ts';
import { requireRun } from './job-runs.ts';
import { withUserFailures } from './user-failures.ts';

export interface WriteArtifactInput {
  job_id: string;
  dataset: string;
  path: string;
  /** RFC 3339. Every attempt has the same, and so gives the same file. */
  created_at: string;
}

export interface ArtifactDependencies {
  store: Store;
  sources: Sources;
}

export type ArtifactActivities = ReturnType<typeof createArtifactActivities>;

/** The record shows the progress this often. */
const NOTE_EVERY_MS = 1000;

/** Creates the activity that writes the chunks of a dataset as a video of QR codes. */
export function createArtifactActivities({ store, sources }: ArtifactDependencies) {
  return withUserFailures({
    /** Writes the artifact. An attempt after a crash goes on after the last whole segment. */
    async writeArtifact({ job_id, dataset, path, created_at }: WriteArtifactInput): Promise<ArtifactStatus> {
      return withSteps(async ({ onStep, signal }) => {
        await requireRun(store, job_id);
        await requireArtifactPlace(path, sources);
        const { sources: roots } = await getDataset(store, dataset);
        const total = await countChunks(store, dataset);
        if (total === 0) throw notWritable(path, `${dataset} has no chunks.`);
        let noted = Promise.resolve();
        let notedAt = Number.NEGATIVE_INFINITY;
        const { manifest, bytes } = await writeArtifact(numbered(chunksOf(store, dataset), roots), {
          target: path,
          dataset,
          createdAt: created_at,
          signal,
          onProgress({ chunks, bytes: written }) {
            onStep();
            if (performance.now() - notedAt < NOTE_EVERY_MS) return;
            notedAt = performance.now();
            const status: ArtifactStatus = { path, state: 'running', chunks, total, bytes: written };
            // A lost note costs nothing: the next one follows.
            noted = noted.then(() => noteArtifact(store, job_id, status)).catch(() => undefined);
          },
        });
        await noted;
        const { chunks } = manifest;
        const status: ArtifactStatus = { path, state: 'completed', chunks, total: chunks, bytes };
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
  const folder = dirname(path);
  if (!(await sources.of(folder).allows({ path: folder })))
    throw notWritable(path, `${folder} is outside the folders that PLIMSOLL_SOURCE_ROOTS allows, or is not there.`);
  if (!((await stat(folder).catch(() => undefined))?.isDirectory() ?? false))
    throw notWritable(path, `there is no folder ${folder} on the machine of the indexing worker.`);
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  const artifact = await openArtifact(path).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw notWritable(path, 'another file is there, which is no artifact that can be read. Name another.');
  });
  await artifact.close();
}

const notWritable = (path: string, why: string) =>
  new UserError('ArtifactNotWritable', `The artifact ${path} can't be written: ${why}`);

async function* numbered(chunks: ReturnType<typeof chunksOf>, roots: readonly string[]) {
  let n = 0;
  for await (const { filepath, ...chunk } of chunks) {
    const root = roots.find((each) => filepath.startsWith(`${each.replace(/\/+$/, '')}/`));
    yield { ...chunk, n, document: root === undefined ? filepath : relativeTo(root, filepath) };
    n += 1;
  }
}
