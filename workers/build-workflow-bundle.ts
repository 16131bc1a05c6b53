/** Bundles Plimsoll's workflows and writes the code to file descriptor 3, which no library prints to. */
import { Socket } from 'node:net';
import { dirname, extname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const workflowsPath = join(root, `workflows/index${extname(import.meta.url)}`);

/** Silences webpack's report, which does not help people who start a worker. Its errors are thrown. */
const logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Names a source in stack traces. A bundle also runs on other machines, so the name has no path of this one. */
function sourceName({ absoluteResourcePath: path }: { absoluteResourcePath: string }): string {
  const [, inPackages] = /.*[\\/](node_modules[\\/].*)/.exec(path) ?? [];
  if (inPackages !== undefined) return inPackages;
  // Source maps lead from `dist` to the sources beside it.
  return isAbsolute(path) ? join('plimsoll', relative(root, path).replace(/^(\.\.[\\/])+/, '')) : path;
}

const { code } = await bundleWorkflowCode({
  workflowsPath,
  logger,
  webpackConfigHook: (config) => ({
    ...config,
    // Modules are numbered by their paths below it.
    context: root,
    output: { ...config.output, devtoolModuleFilenameTemplate: sourceName },
  }),
});
new Socket({ fd: 3 }).end(code);
