/** Bundles Plimsoll's workflows into a file: `node workers/build-workflow-bundle.ts FILE`. */
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write.');

const workflowsPath = fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url));
/** Silences webpack's report, which does not help people who start a worker. Its errors are thrown. */
const logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const { code } = await bundleWorkflowCode({ workflowsPath, logger });
await writeFile(file, code);
