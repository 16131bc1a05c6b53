import { isDeepStrictEqual } from 'node:util';
import type { BundleOptions, BundlerPlugin, CompiledWorkerOptions, ReplayWorkerOptions } from '@temporalio/worker';
import { UserError } from '../../core/errors.ts';
import { WORKFLOWS_PATH } from '../workflow-bundle.ts';

type Options = ReplayWorkerOptions | CompiledWorkerOptions;

/** Names the worker options that take effect only while the SDK bundles workflows, so not with a prebuilt bundle. */
export function bundlingOptions({ interceptors, dataConverter, bundlerOptions = {}, plugins = [] }: Options): string[] {
  const set = {
    'interceptors.workflowModules': (interceptors?.workflowModules ?? []).length > 0,
    'dataConverter.payloadConverterPath': dataConverter?.payloadConverterPath !== undefined,
    'dataConverter.failureConverterPath': dataConverter?.failureConverterPath !== undefined,
    bundlerOptions: Object.values(bundlerOptions).some((option) => option !== undefined),
    'plugins with configureBundler': changeBundles(plugins),
  };
  return Object.entries(set).flatMap(([name, isSet]) => (isSet ? [name] : []));
}

/** Most plugins have `configureBundler`, since SimplePlugin has it; few change anything in it. */
function changeBundles(plugins: readonly BundlerPlugin[]): boolean {
  const plain: BundleOptions = { workflowsPath: WORKFLOWS_PATH };
  const configured = plugins.reduce((options, plugin) => plugin.configureBundler?.(options) ?? options, plain);
  const given = Object.entries(configured).filter(([, option]) => option !== undefined);
  return !isDeepStrictEqual(Object.fromEntries(given), { ...plain });
}

/**
 * Refuses options that a later plugin added after the worker got a prebuilt bundle. The SDK would ignore them.
 *
 * @throws UserError InvalidSetting naming them
 */
export function refuseLateBundling(options: CompiledWorkerOptions): void {
  const late = bundlingOptions(options);
  if (late.length === 0) return;
  throw new UserError(
    'InvalidSetting',
    `A plugin behind Plimsoll's sets ${late.join(' and ')}, which would not reach Plimsoll's workflows: they were taken ` +
      'from a prebuilt bundle. Put PlimsollPlugin last. Plugins of the connection come after those of the worker, ' +
      'so put it there if the other one is there.',
  );
}
