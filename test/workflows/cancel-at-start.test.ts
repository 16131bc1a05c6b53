import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench?.stop());

/** Enough that some cancels come while the server starts the child: one in a dozen did. */
const TRIES = 20;

it('a cancel that comes while a load starts its embedding ends both', async () => {
  const source = join(bench.folder, 'pictures');
  await makePictures(source, 50);
  for (let n = 0; n < TRIES; n += 1) {
    const { job_id, workflow_id } = await bench.startLoad({
      dataset: bench.newDataset(),
      source,
      embed_task_queue: 'nobody',
    });
    await bench.wait(job_id, { for: 'browsable' });
    await bench.temporal.workflow.getHandle(workflow_id).cancel();
    expect((await bench.wait(job_id)).state).toBe('canceled');
  }
});
