import * as nexus from 'nexus-rpc';
import type { LoadDatasetRequest } from './inputs.ts';
import type { JobStatus } from './job.ts';

/** Input of the operation `status`. */
export interface NexusStatusRequest {
  /** A job's ID, a unique beginning of it (six characters or more), or a dataset's name: its latest job. */
  job: string;
}

/**
 * Plimsoll for workflows of other namespaces, by Nexus:
 *
 * ```ts
 * const plimsoll = createNexusServiceClient({ service: plimsollService, endpoint: 'plimsoll' });
 * const loaded = await plimsoll.executeOperation('load', { dataset: 'cats', source: '/data/cats' });
 * ```
 *
 * `load` is over when the load is; canceling the operation cancels the load. `status` answers at once, past Temporal's
 * retention too. Both fail with a handler error that no retry mends: BAD_REQUEST naming the field, NOT_FOUND; and where
 * a
 * load of the dataset is running, with an operation failure of the type AlreadyRunning.
 */
export const plimsollService = nexus.service('plimsoll', {
  load: nexus.operation<LoadDatasetRequest, JobStatus>(),
  status: nexus.operation<NexusStatusRequest, JobStatus>(),
});
