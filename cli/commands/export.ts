import { type Command, Option } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { ANNOTATION_TASKS, type AnnotationTask, GROUND_TRUTH } from '../../contract/annotations.ts';
import { EXPORT_FORMATS, EXPORT_IMAGES, type ExportFormatName, type ExportImages } from '../../contract/exports.ts';
import type { ExportDatasetRequest } from '../../contract/inputs.ts';
import { folder, model, repeated, wholeNumber } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { whereFilter } from '../where.ts';

interface ExportOptions extends CommonOptions {
  format: ExportFormatName;
  images?: ExportImages;
  copy?: boolean;
  link?: boolean;
  field?: string;
  task?: AnnotationTask;
  model?: string;
  label?: string;
  split?: string;
  tag?: string;
  below?: string;
  where: string[];
  priority?: number;
  webhook?: string[];
  webhookSecret?: string;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addExportCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('export')
    .summary('write a dataset with its annotations to a folder')
    .description(
      'Writes the samples of a dataset, with their annotations or vectors, to a folder. Prints the job ID and returns at once.',
    )
    .argument('<dataset>', "the dataset's name")
    .argument('<folder>', 'the folder to write: empty, not there, or half an export', folder)
    .addOption(
      new Option('--format <format>', 'the format that is written').choices([...EXPORT_FORMATS]).makeOptionMandatory(),
    )
    .addOption(new Option('--images <how>', 'image files stay (none), or: copy, link').choices([...EXPORT_IMAGES]))
    .option('--copy', 'short for --images copy')
    .option('--link', 'short for --images link: symbolic links')
    .option('--field <name>', `the field of annotations that is written (default: ${GROUND_TRUTH})`)
    .addOption(
      new Option('--task <task>', 'yolo: what a line says (default: found where it is one)').choices([
        ...ANNOTATION_TASKS,
      ]),
    )
    .option('--model <model>', 'write the vectors of this model: npy, parquet, jsonl', model)
    .option('--label <class>', 'only samples with an annotation of this class in the field')
    .option('--split <split>', 'only samples of this split')
    .option('--tag <tag>', 'only samples with this tag')
    .option('--below <folder>', 'only samples whose files are below this folder', folder)
    .option('--where <condition>', 'only such samples: format=png, width=640..1920 (repeatable)', repeated, [])
    .option('--priority <n>', '1 goes first, 5 last', wholeNumber(1, 5))
    .option('--webhook <url>', 'post events to this URL (repeatable)', repeated)
    .option('--webhook-secret <name>', 'the name of the secret that signs them')
    .addOption(ifRunningOption('if an export to the folder is running: fail, return that one, or replace it'))
    .option('--wait', 'wait until it is done, and say what was written')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Samples that are indexed now are written; loads may run meanwhile. An export
that was interrupted goes on if it is started again: images that are whole are
not copied again. npy and parquet hold vectors, of the model that serves unless
--model names another. The folder is one of the indexing worker's machine.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints, with exported {samples,
total, images, annotations, renamed, simplified, skipped_samples,
skipped_annotations}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll export photos ./out --format coco --wait
  plimsoll export photos ./out --format yolo --task segment --copy
  plimsoll export photos ./cats --format voc --label cat --split val --link
  plimsoll export photos ./vectors --format npy --model clip-vit-b32`,
    )
    .action(async (dataset: string, target: string, options: ExportOptions) =>
      end(await exportDataset(dataset, target, options)),
    );
}

async function exportDataset(dataset: string, target: string, options: ExportOptions): Promise<number> {
  const request = await requestOf(dataset, target, options);
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    const job = await client.exportDataset(request, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}

/** @throws UsageError */
async function requestOf(dataset: string, target: string, options: ExportOptions): Promise<ExportDatasetRequest> {
  const { format, field, task, model, priority } = options;
  const { webhooksOf } = await import('../starting/job-request.ts');
  const webhooks = webhooksOf(options);
  const images = imagesOf(options);
  const filter = await filterOf(options);
  return {
    dataset,
    target,
    format,
    ...(images === undefined ? {} : { images }),
    ...(field === undefined ? {} : { field }),
    ...(task === undefined ? {} : { task }),
    ...(model === undefined ? {} : { vectors: model }),
    ...(filter === undefined ? {} : { filter }),
    ...(priority === undefined ? {} : { priority }),
    ...(webhooks.length === 0 ? {} : { webhooks }),
  };
}

/** @throws UsageError */
function imagesOf({ images, copy, link }: ExportOptions): ExportImages | undefined {
  const said = [images, copy ? 'copy' : undefined, link ? 'link' : undefined].filter((how) => how !== undefined);
  if (new Set(said).size > 1) throw new UsageError('--images, --copy and --link: name one of them.');
  return said[0] as ExportImages | undefined;
}

/** @throws UsageError */
async function filterOf({ label, split, tag, below, where, field }: ExportOptions) {
  const filter: ExportDatasetRequest['filter'] = {
    ...((where.length === 0 ? {} : await whereFilter(where)) as ExportDatasetRequest['filter']),
    ...(label === undefined ? {} : { label, field: field ?? GROUND_TRUTH }),
    ...(split === undefined ? {} : { split }),
    ...(tag === undefined ? {} : { tag }),
    ...(below === undefined ? {} : { prefixes: [`${below.replace(/\/+$/, '')}/`] }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}
