import { ScheduleNotFoundError, type WorkflowExecutionStatusName, WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { askAll, ifFound, isRunning } from '../../temporal/jobs.ts';

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
