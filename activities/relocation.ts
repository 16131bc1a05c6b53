import type { RelocateDatasetRequest } from '../contract/inputs.ts';
import type { MovedCounts } from '../contract/job.ts';
import { folderNameOf } from '../core/folders.ts';
import { checkRelocation, type Move, requireApart } from '../core/relocating/check-relocation.ts';
import { relocateSamples } from '../core/relocating/relocate-samples.ts';
import { requireInDataset } from '../core/sources/require-in-dataset.ts';
import type { Sources } from '../core/sources/source.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { claimDataset } from '../core/store/datasets.ts';
import { noteDevice } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { withSteps } from './heartbeats.ts';
import { ofOpenJobs } from './job-runs.ts';
import { type BeginUnphasedInput, type BegunUnphased, recordUnphased } from './record-unphased.ts';
import { withUserFailures } from './user-failures.ts';

export interface RelocationDependencies {
  store: Store;
  sources: Sources;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
}

export interface RelocationInput extends Move {
  job_id: string;
  dataset: string;
}

export type RelocationActivities = ReturnType<typeof createRelocationActivities>;

/** Creates the activities that follow files to another folder. */
export function createRelocationActivities({ store, sources, searchAttributes }: RelocationDependencies) {
  return withUserFailures({
    /** Records the relocate before it checks the folders. Returns their canonical names. */
    async beginRelocate(input: BeginUnphasedInput<RelocateDatasetRequest>): Promise<BegunUnphased & Move> {
      const { job_id, request } = input;
      await recordUnphased(store, 'relocate', input);
      await claimDataset(store, request.dataset, job_id, datasetNotThere);
      const from = folderNameOf(request.from);
      await requireInDataset(store, { datasetId: request.dataset, folder: from });
      const source = sources.of(request.to);
      requireApart({ from, to: source.canonical(request.to) });
      const to = await source.check(request.to);
      await noteDevice(store, job_id, await source.identity(to));
      return { search_attributes: await searchAttributes(), from, to };
    },

    ...ofOpenJobs(store, {
      /** Checks the paths that the samples would get. Changes nothing. */
      async checkRelocation({ dataset: datasetId, from, to }: RelocationInput): Promise<void> {
        await withSteps((steps) => checkRelocation(store, sources, { datasetId, from, to, ...steps }));
      },

      /** Gives the samples their new paths. */
      async relocateSamples({ job_id: jobId, dataset: datasetId, from, to }: RelocationInput): Promise<MovedCounts> {
        return withSteps((steps) => relocateSamples(store, { jobId, datasetId, from, to, ...steps }));
      },
    }),
  });
}
