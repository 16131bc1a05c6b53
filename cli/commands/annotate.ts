import type { Command } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { repeated, wholeNumber } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { ANNOTATIONS_HELP, type AnnotationOptions, addAnnotationOptions } from '../starting/annotation-options.ts';
import { ifRunningOption } from '../starting/job-options.ts';

interface AnnotateOptions extends CommonOptions, AnnotationOptions {
  replace?: boolean;
  remove?: string;
  priority?: number;
  webhook?: string[];
  webhookSecret?: string;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addAnnotateCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('annotate')
    .summary('read annotations into a dataset that is there')
    .description(
      'Gives the samples of a dataset their annotations, prints the job ID and returns at once. It reads no image and touches no vector.',
    )
    .argument('<dataset>', "the dataset's name")
    .argument('[path...]', 'files or folders of annotations; all go to the same field');
  addAnnotationOptions(command)
    .option('--replace', 'remove the field from every sample that is not named')
    .option('--remove <field>', 'remove a field of annotations from every sample; name no path')
    .option('--priority <n>', '1 goes first, 5 last', wholeNumber(1, 5))
    .option('--webhook <url>', 'post events to this URL (repeatable)', repeated)
    .option('--webhook-secret <name>', 'the name of the secret that signs them')
    .addOption(ifRunningOption('if a job of it is running: fail, return it if it is an annotation, or cancel it first'))
    .option('--wait', 'wait until it is done, and say what was matched')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
${ANNOTATIONS_HELP}

An image is found where its format says, below a source of the dataset, or by
the end of its path. A name that several samples have is nobody's. What the same
paths gave before and no longer give is removed; that of other paths stays.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints, with annotations {state,
field, matched, changed, removed, without_annotations, without_sample, clipped,
outside, invalid, …}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll annotate photos ./instances_train.json ./instances_val.json --wait
  plimsoll annotate photos ./data.yaml --task segment
  plimsoll annotate photos ./predictions.json --field predictions
  plimsoll annotate photos --remove predictions`,
    )
    .action(async (dataset: string, paths: string[], options: AnnotateOptions) =>
      end(await annotate(dataset, paths, options)),
    );
}

async function annotate(dataset: string, paths: readonly string[], options: AnnotateOptions): Promise<number> {
  const [{ withClient }, { annotationSourceOf }, { webhooksOf }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/annotation-options.ts'),
    import('../starting/job-request.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  const { remove, replace, priority, ifRunning } = options;
  const { paths: named, ...how } = annotationSourceOf(paths, options, replace);
  if (remove !== undefined && (named.length > 0 || Object.keys(how).length > 0))
    throw new UsageError('--remove: it stands alone. Name no path, and nothing that says how one is read.');
  if (remove === undefined && named.length === 0)
    throw new UsageError('Name the annotations: a file or a folder. Or remove a field: --remove FIELD.');
  const webhooks = webhooksOf(options);
  const request = {
    dataset,
    ...(remove === undefined ? { annotations: { paths: named, ...how } } : { remove }),
    ...(priority === undefined ? {} : { priority }),
    ...(webhooks.length === 0 ? {} : { webhooks }),
  };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    const job = await client.annotate(request, { ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
