import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { getClient, startWorkflow, WorkflowRunOperationHandler } from '@temporalio/nexus';
import * as nexus from 'nexus-rpc';
import { createPlimsollClient } from '../../client/plimsoll-client.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { parseInWords, sentenceOf } from '../../contract/faults-in-words.ts';
import { type LoadDatasetRequest, loadDatasetInput } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { LOAD_WORKFLOW, loadWorkflowId } from '../../contract/names.ts';
import { plimsollService } from '../../contract/nexus.ts';
import { priorityOf } from '../../contract/priority.ts';
import { UserError } from '../../core/errors.ts';
import { recordQueued } from '../../core/jobs/begin.ts';
import type { Store } from '../../core/store/store.ts';
import type { loadDataset } from '../../workflows/load-dataset.ts';

/** Creates the handlers of Plimsoll's Nexus operations for workers of the indexing role. */
export function createNexusService(store: Store) {
  return nexus.serviceHandler(plimsollService, {
    load: new WorkflowRunOperationHandler<LoadDatasetRequest, JobStatus>(async (context, request) => {
      const parsed = parseInWords(loadDatasetInput, request);
      if (!parsed.success) throw new nexus.HandlerError('BAD_REQUEST', sentenceOf(parsed.faults));
      const { dataset, source, embed } = parsed.data;
      const workflowId = loadWorkflowId(dataset);
      try {
        const started = await startWorkflow<typeof loadDataset>(context, LOAD_WORKFLOW, {
          workflowId,
          args: [request],
          staticSummary: `Load ${source} into ${dataset}`.slice(0, 200),
          priority: priorityOf(parsed.data),
        });
        const { runId: jobId } = started;
        const record = { workflowId, kind: 'load', datasetId: dataset, request: parsed.data, embeds: embed } as const;
        // A repeated call has the same request ID, so it finds the load that it started.
        if (jobId !== undefined) await recordQueued(store, { jobId, ...record });
        return started;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const message = `Another job of ${dataset} is running already. Its status: the operation "status" with {"job": "${dataset}"}.`;
        const type = 'AlreadyRunning' satisfies FailureCode;
        const cause = ApplicationFailure.create({ type, message, nonRetryable: true });
        throw new nexus.OperationError('failed', message, { cause });
      }
    }),

    async status(_context, request) {
      if (typeof request?.job !== 'string' || request.job === '') {
        throw new nexus.HandlerError('BAD_REQUEST', 'job: name a job by its ID or its dataset.');
      }
      try {
        return await createPlimsollClient({ temporal: getClient(), store }).status(request.job);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        const type = error.code === 'JobNotFound' ? 'NOT_FOUND' : 'BAD_REQUEST';
        // Nexus retries NOT_FOUND by default; a job that does not exist would be queried again and again.
        throw new nexus.HandlerError(type, error.message, { cause: error, retryableOverride: false });
      }
    },
  });
}
