import type { Connection } from '@temporalio/client';
import {
  ACTIVITY_TASKS,
  describeTaskQueue,
  polledAtMs,
  SILENCE_MS,
  WORKFLOW_TASKS,
} from '../../temporal/task-queues.ts';
import { ago, counted } from '../terminal/quantities.ts';
import { type Check, ok, problem, warning } from './check.ts';

/** temporal.api.enums.v1.WorkerDeploymentVersionStatus: the version has never been current or ramping. */
const INACTIVE = 1;

interface Queue {
  name: string;
  role: string;
  queue: string;
}

interface Version {
  deploymentName: string;
  buildId: string;
}

interface Poller {
  identity: string;
  seenMs: number;
  /** Undefined for a worker without one. */
  version: Version | undefined;
}

/** Finds the workers of a task queue, and whether Temporal gives them work. */
export async function checkWorkers(
  connection: Connection,
  namespace: string,
  { name, role, queue }: Queue,
): Promise<Check> {
  const { pollers, current } = await pollersOf(connection, namespace, queue);
  const workers = new Map(pollers.map((poller) => [poller.identity, poller]));
  if (workers.size === 0) {
    const advice = `Start one: npm run worker -- --role ${role}, or everything with "plimsoll up".`;
    return role === 'indexing'
      ? problem(name, `nobody polls task queue ${queue}: loads wait`, advice)
      : warning(name, `nobody polls task queue ${queue}: embedding waits`, advice);
  }
  const latest = Math.max(...pollers.map(({ seenMs }) => seenMs));
  const found = `${counted(workers.size, 'worker')} on task queue ${queue}, seen ${ago(new Date(latest).toISOString())}`;
  const versions = [...workers.values()].flatMap(({ version }) => version ?? []);
  const unused = await firstInactive(connection, namespace, versions);
  if (unused !== undefined) {
    const { deploymentName, buildId } = unused;
    return warning(
      name,
      `${found}; those of version ${deploymentName}:${buildId} get nothing, as it is not current`,
      `Make it current: temporal worker deployment set-current-version --deployment-name ${deploymentName} --build-id ${buildId} --yes`,
    );
  }
  if (current != null && versions.length < workers.size) {
    return warning(
      name,
      `${found}; those without a version get no new loads, as ${current.deploymentName}:${current.buildId} is current`,
      'Give them a version (PLIMSOLL_DEPLOYMENT, PLIMSOLL_BUILD_ID), or stop them: see docs/deploying.md.',
    );
  }
  return ok(name, found);
}

async function pollersOf(connection: Connection, namespace: string, queue: string) {
  const described = await Promise.all(
    ([WORKFLOW_TASKS, ACTIVITY_TASKS] as const).map((type) => describeTaskQueue(connection, namespace, queue, type)),
  );
  const now = Date.now();
  const pollers = described
    .flatMap((answer) => answer.pollers ?? [])
    .map((poller): Poller => {
      const { deploymentName, buildId } = poller.deploymentOptions ?? {};
      return {
        identity: poller.identity ?? '',
        seenMs: polledAtMs(poller),
        version: deploymentName && buildId ? { deploymentName, buildId } : undefined,
      };
    })
    .filter(({ seenMs }) => now - seenMs < SILENCE_MS);
  const current = described
    .map(({ versioningInfo }) => versioningInfo?.currentDeploymentVersion)
    .find((it) => it?.buildId);
  return { pollers, current };
}

/** The first version that gets no work. A draining version still has work, and a drained one has done its own. */
async function firstInactive(
  connection: Connection,
  namespace: string,
  versions: readonly Version[],
): Promise<Version | undefined> {
  for (const version of versions) {
    const { workerDeploymentVersionInfo: info } = await connection.workflowService.describeWorkerDeploymentVersion({
      namespace,
      deploymentVersion: version,
    });
    if (info?.status === INACTIVE) return version;
  }
  return undefined;
}
