import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embedWorkflowId, loadWorkflowId } from '../../contract/names.ts';
import { deploymentFromEnvironment } from '../../workers/plugin/deployment.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let pictures: string;
let deploymentName: string;

beforeEach(async () => {
  bench = await openWorkbench({ roles: [] });
  pictures = join(bench.folder, 'pictures');
  await makePictures(pictures, 3);
  deploymentName = bench.taskQueue;
});
afterEach(() => bench.stop());

const deployment = (PLIMSOLL_BUILD_ID: string) => ({ PLIMSOLL_DEPLOYMENT: deploymentName, PLIMSOLL_BUILD_ID });

/** Starts an indexing worker as a deploy does, by its environment alone. */
async function deploy(buildId: string): Promise<() => Promise<void>> {
  Object.assign(process.env, deployment(buildId));
  try {
    return await bench.startWorker('indexing');
  } finally {
    for (const name of Object.keys(deployment(buildId))) delete process.env[name];
  }
}

/**
 * Does what `temporal worker deployment set-current-version` does, once the workers' polls have registered the version.
 */
async function setCurrent(buildId: string): Promise<void> {
  const { connection, options } = bench.temporal;
  const late = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: options.namespace,
        deploymentName,
        buildId,
        identity: 'a-deploy',
      });
      return;
    } catch (error) {
      if (late.aborted) throw error;
      await delay(100);
    }
  }
}

async function versionOf(workflowId: string) {
  const { raw } = await bench.temporal.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
}

/** The versions that worked on the workflow, by its history. */
async function versionsOf(workflowId: string): Promise<string[]> {
  const { events } = await bench.temporal.workflow.getHandle(workflowId).fetchHistory();
  const versions = (events ?? []).map(
    (event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId,
  );
  return [...new Set(versions.filter((version) => version != null))];
}

/** Does what `temporal workflow update-options` does. */
async function autoUpgrade(workflowId: string): Promise<void> {
  const { connection, options } = bench.temporal;
  await connection.workflowService.updateWorkflowExecutionOptions({
    namespace: options.namespace,
    workflowExecution: { workflowId },
    workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
    updateMask: { paths: ['versioning_override'] },
  });
}

describe('a worker version', () => {
  it('keeps the loads that began on it, and the next one takes those that begin', async () => {
    const [old, young] = [bench.newDataset(), bench.newDataset()];
    await deploy('1');
    await setCurrent('1');
    await bench.startLoad({ dataset: old, source: pictures });
    // No worker embeds yet, so the load stays under way.
    await bench.wait(old, { for: 'browsable' });

    await deploy('2');
    await setCurrent('2');
    await bench.load({ dataset: young, source: pictures, embed: false });
    // The embedding worker has no version: one device serves loads of every version.
    await bench.startWorker('embedding');
    const status = await bench.wait(old);

    expect(status).toMatchObject({ state: 'completed', phases: { embedding: { done: 3 } } });
    for (const workflowId of [loadWorkflowId(old), embedWorkflowId(old, 'color-gradient-grid')]) {
      expect(await versionOf(workflowId)).toBe('1');
      expect(await versionsOf(workflowId)).toEqual(['1']);
    }
    expect(await versionOf(loadWorkflowId(young))).toBe('2');
    expect(await versionsOf(loadWorkflowId(young))).toEqual(['2']);
  });
});

describe('a load of an old version', () => {
  it('is found by its version, and moves to the current one by hand', async () => {
    const dataset = bench.newDataset();
    await deploy('1');
    await setCurrent('1');
    await bench.startLoad({ dataset, source: pictures, embed_task_queue: 'opens-later' });
    await bench.wait(dataset, { for: 'browsable' });
    await deploy('2');
    await setCurrent('2');

    const query = `TemporalWorkerDeploymentVersion = "${deploymentName}:1" AND ExecutionStatus = "Running"`;
    await expect
      .poll(async () => (await Array.fromAsync(bench.temporal.workflow.list({ query }))).map((w) => w.workflowId))
      .toContain(loadWorkflowId(dataset));
    await autoUpgrade(loadWorkflowId(dataset));
    await bench.cancel(dataset);
    const status = await bench.wait(dataset);

    expect(status).toMatchObject({ state: 'canceled' });
    expect(await versionsOf(loadWorkflowId(dataset))).toEqual(['1', '2']);
  });
});

describe('the environment of a versioned worker', () => {
  it('needs both names', () => {
    expect(() => deploymentFromEnvironment({ PLIMSOLL_DEPLOYMENT: 'plimsoll' })).toThrow(
      /PLIMSOLL_BUILD_ID is not set/,
    );
    expect(() => deploymentFromEnvironment({ PLIMSOLL_BUILD_ID: '7' })).toThrow(/PLIMSOLL_DEPLOYMENT is not set/);
  });

  it('leaves a worker without a version where there is none', () => {
    expect(deploymentFromEnvironment({ PLIMSOLL_DEPLOYMENT: '' })).toBeUndefined();
  });
});
