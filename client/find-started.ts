import type { Client } from '@temporalio/client';
import { KINDS } from '../contract/names.ts';
import type { Job } from '../temporal/jobs.ts';

/** The memo that a start leaves in its job's workflow. */
export interface StartMemo {
  /** The `startId` of StartOptions. */
  start_id?: string;
  dataset?: string;
}

/** Clocks of Temporal and MongoDB may differ by this. */
const CLOCK_SLACK_MS = 60_000;

/** The job that a start with this ID began at a time or later, even if it has ended and others have begun since. */
export async function findStarted(temporal: Client, startId: string, since: Date): Promise<Job | undefined> {
  const types = Object.keys(KINDS).map((type) => `'${type}'`);
  const from = new Date(since.getTime() - CLOCK_SLACK_MS).toISOString();
  const query = `WorkflowType IN (${types.join(', ')}) AND StartTime >= '${from}'`;
  for await (const { workflowId, runId, memo, raw } of temporal.workflow.list({ query })) {
    const { start_id, dataset } = (memo ?? {}) as StartMemo;
    if (start_id === startId && dataset !== undefined)
      return { job_id: raw.firstRunId || runId, workflow_id: workflowId, dataset };
  }
  return undefined;
}
