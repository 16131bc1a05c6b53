import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toProblem } from '../../api/problem/to-problem.ts';
import { UserError } from '../../core/errors.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let job: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  api = await openTestApi(bench.store, { taskQueue: bench.taskQueue });
  const { json } = await api.post('/api/loads', { dataset: bench.newDataset(), source: bench.folder });
  job = json.job_id;
});

afterAll(async () => {
  await bench?.temporal.workflow.getHandle((await bench.status(job)).workflow_id).terminate();
  await api?.close();
  await bench?.stop();
});

describe('of a job that no worker has taken up', () => {
  test.each([
    ['pause', undefined],
    ['cancel', { reason: 'enough' }],
  ])(
    '%s is answered by 503, and not only after the half minute of the command',
    { timeout: 20_000 },
    async (operation, body) => {
      const beganMs = performance.now();
      const { status, headers, json } = await api.post(`/api/jobs/${job}/${operation}`, body);
      expect([status, json.code]).toEqual([503, 'NoWorker']);
      expect(headers.get('retry-after')).not.toBeNull();
      expect(performance.now() - beganMs).toBeLessThan(15_000);
    },
  );

  test('the answer says nothing of commands, which are not how its caller speaks to us', async () => {
    const { dataset } = await bench.status(job);
    const { json } = await api.post('/api/loads', { dataset, source: bench.folder });
    expect(json).toMatchObject({
      code: 'AlreadyRunning',
      detail: `A load of ${dataset} is running already: job ${job}.`,
      job: { job_id: job },
    });
    expect((await api.get('/api/jobs/nothing')).json.detail).toBe('No job or dataset matches "nothing".');
  });
});

test('an error of ours that has no status is a fault, not a mistake of the caller', () => {
  expect(toProblem(new UserError('PageGone', 'x'))).toBeUndefined();
  expect(toProblem(new UserError('Refused', 'x'))).toMatchObject({ status: 409 });
});
