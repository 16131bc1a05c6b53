import { relative, resolve } from 'node:path';
import { connectPlimsoll, withoutPassword } from '../../client/connect.ts';
import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { modelFoldersFrom } from '../../core/models/model-folders.ts';
import { tokenFile } from '../../local/secrets.ts';
import { type Stack, startStack } from '../../local/stack.ts';
import type { JobDefaults } from '../config/job-defaults.ts';
import { EXIT } from '../exit-code.ts';
import { InterruptedError } from '../failure.ts';
import { exitCodeOf, follow } from '../follow.ts';
import { catchInterrupt, type Interrupt } from '../interrupt.ts';
import { neededAlias } from '../npm-script.ts';
import { readOutcome } from '../outcome.ts';
import { createOutput, type Output } from '../output.ts';
import { packageFile, webFolder } from '../package-files.ts';
import { pageLink } from '../page-link.ts';
import { checkFolder, noteFolder } from '../starting/check-folder.ts';
import { checkModel } from '../starting/check-model.ts';
import { datasetNameOf } from '../starting/dataset-name.ts';
import { loadRequestOf } from '../starting/job-request.ts';
import { summaryLines, wordsHint } from '../summary.ts';
import { paintFor } from '../terminal/paint.ts';
import { printable } from '../terminal/printable.ts';
import { jobsLeft } from './jobs-left.ts';
import { withOtherPorts } from './other-ports.ts';

export interface UpOptions {
  /** A folder; true for the pictures that come with Plimsoll. */
  load?: string | true;
  exit?: boolean;
  dataset?: string;
  media?: string;
  model?: string;
  embed?: boolean;
  /** All that plimsoll.toml says of loads. */
  defaults?: JobDefaults;
  data: string;
  temporalPort?: number;
  uiPort?: number;
  mongoPort?: number;
  apiPort?: number;
  open?: boolean;
  json?: boolean;
}

const EXAMPLES = { folder: 'examples/images', dataset: 'examples' };

/** Runs the local stack, and loads a folder in it if asked to. Returns the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const output = createOutput(options);
  const paint = paintFor(process.stderr);
  const request = await requestFor(options, output);
  let stack: Stack | undefined;
  const interrupt = catchInterrupt((exitCode) => {
    for (const pid of Object.values(stack?.pids ?? {})) killGroup(pid);
    process.exit(exitCode);
  });
  try {
    stack = await startStack({
      dataDir: options.data,
      open: options.open,
      ports: { temporal: options.temporalPort, ui: options.uiPort, mongo: options.mongoPort },
      api: {
        port: options.apiPort,
        webFolder: webFolder((line) => output.note(paint.dim(`  ${printable(line)}`))),
      },
      report: (line) => output.note(paint.dim(`  ${printable(line)}`)),
      signal: interrupt.signal,
    });
    return await serve(stack, request, { options, output, interrupt });
  } catch (error) {
    if (interrupt.signal.aborted)
      throw new InterruptedError('Stopped before everything was ready.', interrupt.exitCode);
    throw withOtherPorts(error, process.argv.slice(2));
  } finally {
    if (stack !== undefined) {
      output.note(paint.dim('\n  stopping everything; Ctrl-C again does not wait'));
      const left = await jobsLeft(stack, ' at the next start');
      await stack.stop();
      output.note(paint.dim(left === undefined ? '  stopped' : `  stopped; ${left}`));
    }
    interrupt.release();
  }
}

interface Context {
  options: UpOptions;
  output: Output;
  interrupt: Interrupt;
}

/** Refuses a folder that can't be loaded, and a model that is not there, before anything is started. */
async function requestFor(options: UpOptions, output: Output): Promise<LoadDatasetRequest | undefined> {
  const { load } = options;
  if (load === undefined) return undefined;
  const source = load === true ? packageFile(EXAMPLES.folder) : resolve(load);
  await checkFolder(source, { local: true }, output);
  const dataset = options.dataset ?? (load === true ? EXAMPLES.dataset : datasetNameOf(source));
  const request = loadRequestOf({ ...options, dataset, source });
  await checkModel(request, { modelFolders: modelFoldersFrom(process.env) });
  return request;
}

async function serve(stack: Stack, request: LoadDatasetRequest | undefined, context: Context): Promise<number> {
  const { options, output, interrupt } = context;
  showAddresses(stack, output);
  const failed = stack.failed.then((error) => Promise.reject(error));
  failed.catch(() => {});
  const left = request === undefined ? await jobsLeft(stack) : undefined;
  if (left !== undefined) output.note(`\n  ${left}`);
  const outcome = request && (await Promise.race([loadAndShow(stack, request, context), failed]));
  if (outcome === 'interrupted') return options.exit ? interrupt.exitCode : EXIT.ok;
  if (output.json) output.result({ ...addressesOf(stack), load: outcome ?? null }, () => []);
  if (outcome !== undefined && options.exit) return exitCodeOf(outcome);
  const { dim } = paintFor(process.stderr);
  output.note(
    dim(`\n  Running until Ctrl-C. In another terminal: plimsoll ${outcome ? 'jobs' : 'load ./photos --wait'}`),
  );
  const alias = await neededAlias();
  if (alias !== undefined) output.note(dim(`  First, once in that terminal:\n    ${alias}`));
  await Promise.race([aborted(interrupt.signal), failed]);
  return EXIT.ok;
}

async function loadAndShow(
  stack: Stack,
  request: LoadDatasetRequest,
  { options, output, interrupt: { signal } }: Context,
): Promise<JobStatus | 'interrupted'> {
  const named = options.dataset !== undefined || options.load === true;
  const client = await connectPlimsoll({ mongodbUri: stack.mongodbUri, env: stack.env });
  try {
    await noteFolder(client.store, request, { named, note: (line) => output.note(`  ${line}`) });
    const jobId = await startOrAttach(client, request, output);
    output.note('');
    const status = await follow(client, jobId, { signal });
    if (!output.json) {
      const lines = summaryLines(await readOutcome(client, stack, status), output.paint, output.width);
      output.result(undefined, () => ['', ...lines]);
      const hint = wordsHint(status);
      if (hint !== undefined) output.note(paintFor(process.stderr).dim(`\n  ${hint}`));
    }
    return status;
  } catch (error) {
    if (!signal.aborted) throw error;
    return 'interrupted';
  } finally {
    await client.close();
  }
}

/** Starts the load, or attaches to one that an earlier `up` left unfinished. */
async function startOrAttach(client: PlimsollClient, request: LoadDatasetRequest, output: Output): Promise<string> {
  const { job_id, attached } = await client.startLoad(request, { ifRunning: 'attach' });
  if (attached) output.note(`  a load of ${request.dataset} is already running: continuing job ${job_id}`);
  return job_id;
}

function addressesOf(stack: Stack) {
  return {
    page_url: stack.apiUrl ?? null,
    token_file: stack.apiToken === undefined ? null : tokenFile(stack.dataDir),
    temporal_address: stack.temporalAddress,
    temporal_namespace: stack.temporalNamespace,
    mongodb_uri: withoutPassword(stack.mongodbUri),
    ui_url: stack.uiUrl ?? null,
    data_dir: stack.dataDir,
  };
}

function showAddresses(stack: Stack, output: Output): void {
  const { bold, cyan, dim, green } = paintFor(process.stderr);
  const rows: [string, string][] = [
    ...(stack.apiUrl === undefined
      ? []
      : [['Page', bold(cyan(pageLink(stack.apiUrl, stack.apiToken)))] as [string, string]]),
    ...(stack.uiUrl === undefined ? [] : [['Temporal web', cyan(stack.uiUrl)] as [string, string]]),
    ['Temporal', `${stack.temporalAddress}${dim(`, namespace ${stack.temporalNamespace}`)}`],
    ['MongoDB', withoutPassword(stack.mongodbUri)],
    ['Data', printable(fromHere(stack.dataDir))],
  ];
  output.note(`\n${green('✔')} ${bold('Plimsoll is up')}\n`);
  for (const [name, value] of rows) output.note(`  ${dim(name.padEnd(13))} ${value}`);
}

/** A path relative to the current folder, if it is below that. */
function fromHere(path: string): string {
  const written = relative('', path);
  return written === '' || written.startsWith('..') ? path : `./${written}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolveAborted) => {
    if (signal.aborted) resolveAborted();
    signal.addEventListener('abort', () => resolveAborted(), { once: true });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The process has already ended.
  }
}
