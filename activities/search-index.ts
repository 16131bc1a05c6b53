import type { IndexKind } from '../contract/job.ts';
import { endPhase, startPhase } from '../core/jobs/phases.ts';
import { requireOpenJob } from '../core/jobs/runs.ts';
import { buildIndex } from '../core/search/build-index.ts';
import type { IndexBuilder } from '../core/search/index-builder.ts';
import { jobEnded } from '../core/store/job-errors.ts';
import { setPhaseFields } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { withSteps } from './heartbeats.ts';
import { isCurrentRun } from './job-runs.ts';

export interface SearchIndexDependencies {
  store: Store;
  /** Starts a process that builds an index. */
  newBuilder: () => IndexBuilder;
  /** The folder for what is built: this machine's cache. */
  cache: string;
}

export interface BuildSearchIndexInput {
  job_id: string;
  dataset: string;
  model: { key: string; dim: number };
  kind: IndexKind;
}

export interface BuiltSearchIndex {
  vectors: number;
  bytes: number;
}

/** The record shows the progress this often. */
const NOTE_EVERY_MS = 1000;

/** Creates the activities that build search indexes. They need a core, and no device. */
export function createSearchIndexActivities({ store, newBuilder, cache }: SearchIndexDependencies) {
  return {
    /** Builds and publishes the index of a model's vectors, and ends phase 2. */
    async buildSearchIndex({ job_id, dataset, model, kind }: BuildSearchIndexInput): Promise<BuiltSearchIndex> {
      await requireOpenJob(store, job_id);
      await startPhase(store, job_id, 'embedding');
      const builder = newBuilder();
      try {
        return await withSteps(async ({ onStep, signal }) => {
          let noted = Promise.resolve();
          let notedAt = Number.NEGATIVE_INFINITY;
          const { vectors, bytes } = await buildIndex(store, builder, {
            set: { datasetId: dataset, modelKey: model.key, dim: model.dim },
            kind,
            cache,
            signal,
            onStep({ done, total }) {
              onStep();
              if (performance.now() - notedAt < NOTE_EVERY_MS) return;
              notedAt = performance.now();
              // A lost note costs nothing: the next one follows.
              noted = noted
                .then(() => setPhaseFields(store, job_id, 'embedding', { index: { kind, done, total } }))
                .catch(() => undefined);
            },
          });
          await noted;
          // An attempt of the run before a reset must not end the phase of the run after it.
          if (!(await isCurrentRun())) throw jobEnded(job_id);
          await setPhaseFields(store, job_id, 'embedding', { index: { kind, done: vectors, total: vectors } });
          await endPhase(store, job_id, 'embedding', 'completed');
          return { vectors, bytes };
        });
      } finally {
        await builder.close();
      }
    },
  };
}
