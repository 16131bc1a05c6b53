import { type Command, Option } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { INDEX_KINDS, type IndexKind } from '../../contract/job.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { type CommonOptions, dataDirOption, dtypeOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';

interface IndexOptions extends CommonOptions {
  kind?: 'auto' | IndexKind;
  model?: string;
  embedQueue?: string;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addIndexCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('index')
    .summary("build a dataset's search index anew")
    .description(
      "Builds the search index of a model's vectors anew, prints the job ID and returns at once. The index before serves until the new one is published. Searches find what is newer than the index, too.",
    )
    .argument('<dataset>', "the dataset's name")
    .addOption(
      new Option('--kind <kind>', 'how the index stores vectors (default: by their number)').choices([
        'auto',
        ...INDEX_KINDS,
      ]),
    )
    .option('--model <name>', "the model's name or key in the dataset (default: the one that serves)")
    .addOption(dtypeOption())
    .option('--embed-queue <name>', 'task queue of the embedding workers (default: plimsoll-gpu)')
    .addOption(
      ifRunningOption('if an embedding with the model, or a build, is running: fail, return it, or replace it'),
    )
    .option('--wait', 'show the progress until the end; exit as "plimsoll wait" does')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Kinds: exact compares a query with every vector (up to 250,000 by default);
i8, f32, bf16 and b1 are graphs of neighbours, for more: i8 is small and as good
as f32, b1 is smaller still and misses more.

Loads and embeddings build an index by themselves, for 10,000 vectors and more.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints.

${START_EXIT_CODES_HELP}

Examples:
  plimsoll index photos --wait
  plimsoll index photos --kind b1 --model clip-vit-b32`,
    )
    .action(async (dataset: string, options: IndexOptions) => end(await index(dataset, options)));
}

async function index(dataset: string, options: IndexOptions): Promise<number> {
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  const { kind, model, embedQueue } = options;
  const request = {
    dataset,
    ...(kind === undefined ? {} : { kind }),
    ...(model === undefined ? {} : { model }),
    ...(embedQueue === undefined ? {} : { embed_task_queue: embedQueue }),
  };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    const job = await client.indexVectors(request, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
