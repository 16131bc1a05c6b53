import type { JobStatus } from '../../contract/job.ts';
import { INDEXES } from '../../core/store/find-samples.ts';
import type { Store } from '../../core/store/store.ts';
import { presentSample } from '../present/sample.ts';
import type { FailurePage } from '../schemas/failures.ts';
import type { Scope } from '../schemas/server.ts';

const MAX_TIME_MS = 10_000;

/** The samples of a job's dataset whose error is of the time of the job, by seq. */
export async function readFailures(
  store: Store,
  { dataset, started_at, finished_at }: JobStatus,
  { after, limit }: { after?: number | undefined; limit: number },
  scope: Scope,
): Promise<FailurePage> {
  const document = await store.datasets.findOne({ _id: dataset }, { projection: { sources: 1 } });
  const during = {
    ...(started_at === null ? {} : { $gte: new Date(started_at) }),
    ...(finished_at === null ? {} : { $lte: new Date(finished_at) }),
  };
  const found = await store.samples
    .find(
      {
        dataset_id: dataset,
        ...(after === undefined ? {} : { seq: { $gt: after } }),
        error: { $exists: true },
        'error.at': during,
      },
      { sort: { seq: 1 }, limit: limit + 1, hint: INDEXES.error, maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
  const page = found.slice(0, limit);
  return {
    failures: page.map((sample) => presentSample(sample, document?.sources ?? [], scope)),
    next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
  };
}
