import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowEnded } from '../../api/jobs/workflow-ended.ts';
import type { JobStatus } from '../../contract/job.ts';
import { LOAD_WORKFLOW } from '../../contract/names.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});

afterAll(() => bench?.stop());

test('a workflow is awaited also when the time of the request for other answers is over', async () => {
  const workflowId = `load-${randomUUID()}`;
  const handle = await bench.temporal.workflow.start(LOAD_WORKFLOW, {
    taskQueue: `${bench.taskQueue}-nobody`,
    workflowId,
    args: [{ dataset: 'photos', source: '/srv' }],
  });
  const status = { workflow_id: workflowId, job_id: handle.firstExecutionRunId } as JobStatus;
  let heard = false;
  const ended = bench.temporal.connection.withDeadline(Date.now() - 1, async () => {
    await workflowEnded(bench, status);
    heard = true;
  });
  await handle.describe();
  expect(heard).toBe(false);
  await handle.terminate();
  await ended;
  expect(heard).toBe(true);
});
