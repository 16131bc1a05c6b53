import { proxyActivities } from '@temporalio/workflow';
import type { ArtifactActivities } from '../activities/artifact.ts';
import type { LoadDatasetInput } from '../contract/inputs.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork } from './activity-options.ts';
import type { JobTracker } from './job-tracker.ts';
import { createPermit } from './permit.ts';

/** Writes the artifact of a load. A pause of the job ends the work, which goes on where it was. */
export async function writeArtifactOf(job: JobTracker, input: LoadDatasetInput & { path: string }): Promise<void> {
  const { dataset, path } = input;
  const { writeArtifact } = proxyActivities<ArtifactActivities>({ ...longWork, priority: priorityOf(input) });
  // Each attempt gives the same file.
  const created_at = new Date().toISOString();
  job.noteArtifact({ path, state: 'running', chunks: 0, total: 0, bytes: 0 });
  const permit = createPermit({ isPaused: job.isPaused });
  job.noteArtifact(await permit.complete(() => writeArtifact({ job_id: job.jobId, dataset, path, created_at })));
}

/** Writes the index of an artifact, once the chunks have vectors. */
export async function writeArtifactIndexOf(
  job: JobTracker,
  input: LoadDatasetInput & { path: string; index_path: string },
): Promise<void> {
  const { dataset, path, index_path } = input;
  const { model_key } = job.phase('embedding');
  if (model_key === undefined) return;
  const { writeArtifactIndex } = proxyActivities<ArtifactActivities>({ ...longWork, priority: priorityOf(input) });
  const permit = createPermit({ isPaused: job.isPaused });
  const write = () => writeArtifactIndex({ job_id: job.jobId, dataset, path, index_path, model_key });
  job.noteArtifact(await permit.complete(write));
}
