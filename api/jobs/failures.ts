import type { JobStatus } from '../../contract/job.ts';
import { sourcesOf } from '../../core/store/datasets.ts';
import { listErrorsBetween } from '../../core/store/samples.ts';
import type { Store } from '../../core/store/store.ts';
import { presentSample } from '../present/sample.ts';
import type { FailurePage } from '../schemas/failures.ts';
import type { Scope } from '../schemas/server.ts';

const MAX_TIME_MS = 10_000;

/** Lists the samples of a job's dataset whose error was recorded while the job ran, by seq. */
export async function readFailures(
  store: Store,
  { dataset, started_at, finished_at }: JobStatus,
  { after, limit }: { after?: number | undefined; limit: number },
  scope: Scope,
): Promise<FailurePage> {
  const sources = await sourcesOf(store, dataset);
  const page = await listErrorsBetween(
    store,
    {
      datasetId: dataset,
      from: started_at === null ? undefined : new Date(started_at),
      to: finished_at === null ? undefined : new Date(finished_at),
      after,
      limit,
    },
    MAX_TIME_MS,
  );
  return {
    failures: page.samples.map((sample) => presentSample(sample, sources, scope)),
    next: page.next,
  };
}
