import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { afterAll, describe, expect, it } from 'vitest';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const histories = join(import.meta.dirname, '../histories');

describe('workflows are deterministic', () => {
  it.each(readdirSync(histories))('the code of today replays %s, recorded when it was written', async (file) => {
    const history = JSON.parse(readFileSync(join(histories, file), 'utf8'));
    const workflowId = history.events[0].workflowExecutionStartedEventAttributes.workflowId;

    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
  });

  describe('without a cache of workflows', () => {
    let bench: Workbench;
    afterAll(() => bench?.stop());

    it('a load that is replayed from its start at every step comes to the same end', async () => {
      bench = await openWorkbench({ workerOptions: { maxCachedWorkflows: 0 } });
      const source = join(bench.folder, 'pictures');
      await makePictures(source, 700);

      const status = await bench.load({ dataset: bench.newDataset(), source });

      expect(status).toMatchObject({
        state: 'completed',
        phases: { indexing: { done: 700 }, embedding: { done: 700 } },
      });
    });
  });
});
