import { basename } from 'node:path';
import type { Command } from 'commander';
import { readinessOf } from '../../core/jobs/readiness.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';
import type { Store } from '../../core/store/store.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { printable } from '../terminal/printable.ts';

interface DatasetsOptions extends CommonOptions {
  classes?: boolean;
}

/** The length of the longest bar, in characters. */
const BAR = 20;

export function addDatasetsCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('datasets')
    .summary('list datasets')
    .description('Lists datasets by name: how many samples each has, and whether it is ready.')
    .argument('[dataset]', 'only this dataset')
    .option('--classes', 'count the classes of annotations, and the samples of splits')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
States: waiting (for its first sample); indexing (what is there can be browsed);
browsable; ready (it can be browsed, and a model has embedded it); failed or
empty (it has no samples); deleting.
FAILED counts files that can't be read, MISSING samples whose files are gone.

With --json: {"datasets": [...]}, each as GET /api/datasets has it: dataset,
readiness, media_type, sources, counts {total, indexed, failed, missing},
annotation_fields, next_seq, phases, models, latest_job, deleting, created_at,
last_modified_at. With --classes: {"datasets": [{"dataset", "fields": [{"name",
"classes": [{"name", "samples", "objects"}]}], "splits": [{"name",
"samples"}]}]}.

Examples:
  plimsoll datasets
  plimsoll datasets photos --classes
  plimsoll datasets --json | jq -r '.datasets[].dataset'`,
    )
    .action(async (dataset: string | undefined, options: DatasetsOptions) => end(await datasets(dataset, options)));
}

async function datasets(only: string | undefined, options: DatasetsOptions): Promise<number> {
  const [{ withStore }, { getDataset, listDatasets }, { presentDataset }] = await Promise.all([
    import('../connection.ts'),
    import('../../core/store/datasets.ts'),
    import('../../api/present/dataset.ts'),
  ]);
  const output = createOutput(options);
  return withStore({ dataDir: options.data }, async (store) => {
    const documents = only === undefined ? await listDatasets(store) : [await getDataset(store, only)];
    if (options.classes === true) return showClasses(store, documents, output);
    const lines = output.json || documents.length === 0 ? [] : await tableOf(store, documents, output);
    output.result({ datasets: documents.map((document) => presentDataset(document, 'operate')) }, () => lines);
    if (documents.length === 0 && !output.json) output.note('No datasets. Load one: plimsoll load FOLDER');
    return 0;
  });
}

/** Lists the classes of each field, those with most objects first, and the splits. */
async function showClasses(store: Store, documents: readonly DatasetDocument[], output: Output): Promise<number> {
  const [{ countClassesOf }, { columns }, { count }] = await Promise.all([
    import('../../api/datasets/count-classes.ts'),
    import('../terminal/columns.ts'),
    import('../terminal/quantities.ts'),
  ]);
  const found: ({ dataset: string } & Awaited<ReturnType<typeof countClassesOf>>)[] = [];
  for (const { _id } of documents) found.push({ dataset: _id, ...(await countClassesOf(store, _id)) });
  const { paint, width } = output;
  const rows = found.flatMap(({ dataset, fields, splits }) => [
    ...fields.flatMap(({ name, classes }) => {
      const most = classes[0]?.objects ?? 0;
      return classes.map((each) => [
        printable(dataset),
        name,
        printable(each.name),
        count(each.samples),
        count(each.objects),
        paint.cyan('█'.repeat(Math.max(1, Math.round((BAR * each.objects) / most)))),
      ]);
    }),
    ...splits.map(({ name, samples }) => [printable(dataset), 'split', printable(name), count(samples), '', '']),
  ]);
  output.result({ datasets: found }, () =>
    rows.length === 0
      ? []
      : columns(
          [
            { title: 'DATASET' },
            { title: 'FIELD' },
            { title: 'CLASS' },
            { title: 'SAMPLES', align: 'right' },
            { title: 'OBJECTS', align: 'right' },
            { title: '' },
          ],
          rows,
          paint,
          width,
        ),
  );
  if (rows.length === 0 && !output.json) output.note('No annotations. Read some: plimsoll annotate DATASET PATH');
  return 0;
}

async function tableOf(
  store: Store,
  documents: readonly DatasetDocument[],
  { paint, width }: Output,
): Promise<string[]> {
  const [{ findJobs }, { columns }, { ago, count }] = await Promise.all([
    import('../../core/store/jobs.ts'),
    import('../terminal/columns.ts'),
    import('../terminal/quantities.ts'),
  ]);
  const ids = documents.map(({ latest_job }) => latest_job);
  const found = await findJobs(store, ids);
  const jobs = new Map(found.map((job) => [job._id, job]));
  return columns(
    [
      { title: 'DATASET' },
      { title: 'SAMPLES', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'MISSING', align: 'right' },
      { title: 'STATE' },
      { title: 'LAST JOB' },
      { title: 'VECTORS' },
    ],
    documents.map((dataset) => {
      const job = jobs.get(dataset.latest_job);
      const { total, failed, missing } = dataset.counts;
      const state = readinessOf(dataset);
      return [
        printable(dataset._id),
        ...[total, failed, missing].map(count),
        state === 'ready' ? paint.green(state) : state === 'deleting' ? paint.red(state) : state,
        job === undefined ? '-' : `${job.kind} ${job.state}, ${ago(job.started_at.toISOString())}`,
        dataset.models.map(({ name, vectors }) => `${count(vectors)} ${printable(basename(name))}`).join(', '),
      ];
    }),
    paint,
    width,
  );
}
