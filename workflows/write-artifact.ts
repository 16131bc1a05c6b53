import { proxyActivities } from '@temporalio/workflow';
import type { ArtifactActivities } from '../activities/artifact.ts';
import type { LoadDatasetInput } from '../contract/inputs.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork } from './activity-options.ts';
import type { JobTracker } from './job-tracker.ts';
import { createPermit } from './permit.ts';

/** The steps that write the artifact of a load. A pause of the job ends the work, which goes on where it was. */
export interface ArtifactSteps {
  /** Writes the artifact, once the chunks are indexed. */
  write(job: JobTracker): Promise<void>;
  /** Writes its index if one is asked for, once the chunks have vectors. */
  index(job: JobTracker): Promise<void>;
}

/** The steps for the artifact that a load asks for. Undefined if it asks for none. */
export function artifactSteps(input: LoadDatasetInput): ArtifactSteps | undefined {
  const { dataset, artifact: path, artifact_index: index_path } = input;
  if (path === undefined) return undefined;
  const work = { ...longWork, priority: priorityOf(input) };
  const { writeArtifact, writeArtifactIndex } = proxyActivities<ArtifactActivities>(work);
  return {
    async write(job) {
      // Each attempt gives the same file.
      const created_at = new Date().toISOString();
      job.noteArtifact({ path, state: 'running', chunks: 0, total: 0, bytes: 0 });
      const permit = createPermit({ isPaused: job.isPaused });
      job.noteArtifact(await permit.complete(() => writeArtifact({ job_id: job.jobId, dataset, path, created_at })));
    },
    async index(job) {
      const { model_key } = job.phase('embedding');
      if (index_path === undefined || model_key === undefined) return;
      const permit = createPermit({ isPaused: job.isPaused });
      const asked = { job_id: job.jobId, dataset, path, index_path, model_key };
      job.noteArtifact(await permit.complete(() => writeArtifactIndex(asked)));
    },
  };
}
