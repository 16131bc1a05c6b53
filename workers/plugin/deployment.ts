import { VersioningBehavior } from '@temporalio/common';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { UserError } from '../../core/errors.ts';

/**
 * Worker versioning from PLIMSOLL_DEPLOYMENT and PLIMSOLL_BUILD_ID; undefined if neither is set.
 *
 * Jobs are pinned: each ends on the version that it began on, so a release may change workflows freely. The next job of
 * a dataset begins on the current version; a running job can be moved there by hand.
 *
 * @throws UserError InvalidSetting if only one of the two is set
 */
export function deploymentFromEnvironment(env: NodeJS.ProcessEnv = process.env): WorkerDeploymentOptions | undefined {
  const deploymentName = env.PLIMSOLL_DEPLOYMENT || undefined;
  const buildId = env.PLIMSOLL_BUILD_ID || undefined;
  if (deploymentName === undefined && buildId === undefined) return undefined;
  if (deploymentName === undefined || buildId === undefined) {
    const missing = deploymentName === undefined ? 'PLIMSOLL_DEPLOYMENT' : 'PLIMSOLL_BUILD_ID';
    throw new UserError(
      'InvalidSetting',
      `${missing} is not set: a versioned worker needs a deployment's name (PLIMSOLL_DEPLOYMENT) and a build ID (PLIMSOLL_BUILD_ID).`,
    );
  }
  return {
    version: { deploymentName, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: VersioningBehavior.PINNED,
  };
}
