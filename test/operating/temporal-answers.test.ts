import {
  type Client,
  ScheduleNotFoundError,
  type WorkflowExecutionStatusName,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { askAll, ifFound, isRunning } from '../../temporal/jobs.ts';
import { findPendingActivity } from '../../temporal/pending-activity.ts';

describe('a workflow', () => {
  // The server of the tests can't pause a workflow itself; newer ones can.
  it.each<[WorkflowExecutionStatusName, boolean]>([
    ['RUNNING', true],
    ['PAUSED', true],
    ['COMPLETED', false],
    ['FAILED', false],
    ['CANCELLED', false],
    ['TERMINATED', false],
    ['TIMED_OUT', false],
    ['CONTINUED_AS_NEW', false],
  ])('that is %s runs: %s', (name, runs) => {
    expect(isRunning({ status: { code: 0, name } as never })).toBe(runs);
  });
});

describe('a call about a workflow or a schedule', () => {
  it('returns its answer', async () => {
    expect(await ifFound(Promise.resolve({}))).toEqual({});
  });

  it.each([new WorkflowNotFoundError('', 'load-photos', undefined), new ScheduleNotFoundError('', 'nightly')])(
    'returns nothing if Temporal says %s',
    async (error) => {
      expect(await ifFound(Promise.reject(error))).toBeUndefined();
    },
  );

  it('fails if Temporal does not answer', async () => {
    await expect(ifFound(Promise.reject(new Error('14 UNAVAILABLE')))).rejects.toThrow('14 UNAVAILABLE');
  });
});

describe('many questions', () => {
  it('are asked some at a time, and answered in order', async () => {
    let open = 0;
    let most = 0;
    const answers = await askAll([...Array(40).keys()], async (n) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return n;
    });
    expect(answers).toEqual([...Array(40).keys()]);
    expect(most).toBe(16);
  });
});

describe('an activity that has not ended', () => {
  const HEARTBEAT = { timeoutFailureInfo: { timeoutType: 4 } };
  const SLOW = { timeoutFailureInfo: { timeoutType: 1 } };
  const failed = (type: string) => ({ message: 'no disk', applicationFailureInfo: { type } });
  const run = (workflowId: string) => ({ workflowId, runId: `run of ${workflowId}` });

  /** Workflows, each the parent of the one before. The first has the activity 7. */
  const temporalOf = (types: readonly string[], activity: object) => {
    const workflows = types.map((type, n) => ({
      ...run(type),
      type,
      parentExecution: n + 1 < types.length ? run(types[n + 1] as string) : undefined,
      raw: {
        workflowExecutionInfo: { firstRunId: `job of ${type}` },
        pendingActivities: n === 0 ? [{ activityId: '7', attempt: 2, ...activity }] : [],
      },
    }));
    const describe = (id: string, runId: string) => async () => {
      const found = workflows.find((workflow) => workflow.workflowId === id && workflow.runId === runId);
      if (found === undefined) throw new WorkflowNotFoundError('', id, runId);
      return found;
    };
    return {
      workflow: { getHandle: (id: string, runId: string) => ({ describe: describe(id, runId) }) },
    } as unknown as Client;
  };
  const jobsAbove = async (...types: string[]) =>
    (await findPendingActivity(temporalOf(types, {}), run(types[0] as string), '7'))?.jobs.map(({ job_id }) => job_id);
  const lastFailureOf = async (lastFailure: object) =>
    (await findPendingActivity(temporalOf(['loadDataset'], { lastFailure }), run('loadDataset'), '7'))?.lastFailure;

  it('works for the jobs above it, up to a workflow that is none', async () => {
    expect(await jobsAbove('loadDataset')).toEqual(['job of loadDataset']);
    expect(await jobsAbove('embedDataset', 'loadDataset', 'scheduledLoad')).toEqual([
      'job of embedDataset',
      'job of loadDataset',
    ]);
    expect(await jobsAbove('embedDataset', 'theirs', 'loadDataset')).toEqual(['job of embedDataset']);
  });

  it.each([
    ['whose worker died', HEARTBEAT, 'TimedOut', false],
    ['that took too long', SLOW, 'TimedOut', false],
    ['whose worker was stopped', failed('WorkerShutdown'), 'WorkerShutdown', false],
    ['that failed', failed('DiskError'), 'DiskError', true],
    ['that ended in a way that is new', { message: 'new' }, 'Unexpected', false],
  ])('names the code of an attempt %s, and whether it ended by itself', async (_, failure, code, byItself) => {
    expect(await lastFailureOf(failure)).toMatchObject({ error: { code }, byItself });
  });

  it('is not found once it or its workflow has ended', async () => {
    const temporal = temporalOf(['loadDataset'], {});
    expect(await findPendingActivity(temporal, run('loadDataset'), '8')).toBeUndefined();
    expect(await findPendingActivity(temporal, run('pruneDataset'), '7')).toBeUndefined();
  });
});
