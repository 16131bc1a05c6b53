import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { repeated, wholeNumber } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';

interface ImportOptions extends CommonOptions {
  modelKey: string;
  samples?: string;
  bySeq?: boolean;
  embedQueue?: string;
  priority?: number;
  webhook?: string[];
  webhookSecret?: string;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addImportVectorsCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('import-vectors')
    .summary('give samples vectors of your own')
    .description(
      'Gives the samples of a dataset the vectors of a file, prints the job ID and returns at once. It reads no image. Vectors of other models stay.',
    )
    .argument('<dataset>', "the dataset's name")
    .argument('<file>', 'a .npy, .parquet or .jsonl file')
    .requiredOption('--model-key <name@revision>', 'the model that has made the vectors')
    .option('--samples <file>', 'of a .npy file: JSON Lines that name the sample of each row')
    .option('--by-seq', 'of a .npy file: its rows are all samples, in the order of their numbers')
    .option('--embed-queue <name>', 'task queue of the workers that build the search index')
    .option('--priority <n>', '1 goes first, 5 last', wholeNumber(1, 5))
    .option('--webhook <url>', 'post events to this URL (repeatable)', repeated)
    .option('--webhook-secret <name>', 'the name of the secret that signs them')
    .addOption(
      ifRunningOption(
        'if a job of these vectors is running: fail, return it if it imports the same file, or cancel it first',
      ),
    )
    .option('--wait', 'wait until it is done, and say what was imported')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Rows of .parquet and lines of .jsonl files have a vector, and the sample's seq
or filepath. A .npy file has samples.jsonl beside it, as "plimsoll export
--format npy" writes it, or another file that --samples names. Vectors are
scaled to length 1. What can't be used is left out, counted and named.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints, with imported {state,
path, rows, total, vectors, repeated, unknown, invalid, …}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll import-vectors photos ./clip.parquet --model-key my-clip@v1 --wait
  plimsoll import-vectors photos ./vectors.npy --model-key my-clip@v1 --by-seq`,
    )
    .action(async (dataset: string, file: string, options: ImportOptions) =>
      end(await importVectors(dataset, file, options)),
    );
}

async function importVectors(dataset: string, file: string, options: ImportOptions): Promise<number> {
  const [{ withClient }, { webhooksOf }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/job-request.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  const { modelKey, samples, bySeq, embedQueue, priority, ifRunning } = options;
  const webhooks = webhooksOf(options);
  const request = {
    dataset,
    path: resolve(file),
    model_key: modelKey,
    ...(samples === undefined ? {} : { samples: resolve(samples) }),
    ...(bySeq === true ? { by_seq: true } : {}),
    ...(embedQueue === undefined ? {} : { embed_task_queue: embedQueue }),
    ...(priority === undefined ? {} : { priority }),
    ...(webhooks.length === 0 ? {} : { webhooks }),
  };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    const job = await client.importVectors(request, { ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
