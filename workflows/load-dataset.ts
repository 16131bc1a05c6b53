import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { IndexingActivities } from '../activities/indexing.ts';
import { type LoadDatasetRequest, loadDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork, shortWork } from './activity-options.ts';
import { annotationSteps } from './annotation-steps.ts';
import { parseStart } from './parse-input.ts';
import type { IndexingCursor } from './run-indexing.ts';
import { runLoad } from './run-load.ts';
import { artifactSteps } from './write-artifact.ts';

/**
 * Loads a folder into a dataset. Phase 1 indexes it, and the dataset can be browsed from the first page on. Phase 2,
 * the child workflow embedDataset, embeds it in the background. run-load.ts begins with a map of the steps.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under loadDataset.
 *
 * @param resume set by the workflow itself when it continues as new
 */
export async function loadDataset(request: LoadDatasetRequest, resume?: IndexingCursor): Promise<JobStatus> {
  const input = parseStart(loadDatasetInput, request, resume);
  const { dataset, embed, model, max_failed_percent, include, exclude, hidden, reread } = input;
  const priority = priorityOf(input);
  const { beginLoad } = proxyActivities<IndexingActivities>({ ...shortWork, priority });
  const { listSource, indexPage, reconcile } = proxyActivities<IndexingActivities>({ ...longWork, priority });
  let embeddedBy: string | null = null;
  let found: Pick<IndexingCursor, 'annotations'> = {};
  let isRead = false;
  return runLoad({
    kind: 'load',
    input,
    resume,
    async begin(job) {
      const { jobId: job_id, workflowId: workflow_id } = job;
      const { source, annotations, ...capabilities } = await beginLoad({
        job_id,
        workflow_id,
        request: input,
        continued: resume !== undefined,
      });
      // What the first run found counts: the files may have changed since.
      const plan = (resume === undefined ? annotations : resume.annotations) ?? null;
      const annotation = plan === null ? undefined : annotationSteps(job, input, plan);
      if (plan !== null) found = { annotations: plan };
      // They are read before the phase ends: what can't be read fails the load before anything is marked.
      return {
        capabilities,
        steps: {
          ...(annotation === undefined
            ? {}
            : {
                beside: async () => {
                  isRead = await annotation.read();
                },
              }),
          list: (page) => listSource({ job_id, dataset, source, page, include, exclude, hidden, reread }),
          index: (page) => indexPage({ job_id, dataset, page, reread }),
          async finish() {
            const result = await reconcile({
              job_id,
              dataset,
              source,
              max_failed_percent,
              model: embed ? model : null,
              switch: input.switch,
              ...(plan === null || !isRead ? {} : { annotations: plan }),
            });
            if (result.annotations !== undefined) job.noteAnnotations(result.annotations);
            embeddedBy = result.embedded_by;
            return result;
          },
        },
      };
    },
    embeddedBy: () => embeddedBy,
    artifact: artifactSteps(input),
    continueAsNew: (cursor) => continueAsNew<typeof loadDataset>(request, { ...cursor, ...found }),
  });
}
