import type { Command } from 'commander';
import type { DatasetModel, DatasetModels } from '../../../core/search/dataset-models.ts';
import { model as modelName } from '../../arguments.ts';
import { START_EXIT_CODES_HELP } from '../../exit-code.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../../options.ts';
import { createOutput, type Output } from '../../output.ts';
import { ifRunningOption } from '../../starting/job-options.ts';
import { type Removal, type RemovalOptions, removeAfterAsking } from '../../starting/remove-after-asking.ts';
import { printable } from '../../terminal/printable.ts';
import { ago, count, counted } from '../../terminal/quantities.ts';

type End = (exitCode: number) => void;

const EXIT_CODES = 'Exit codes: 0 done, 1 not possible, 2 wrong usage, 3 no such dataset or model.';

const MODELS_JSON = `{"dataset", "serving", "indexed", "models": [{"key", "name",
"revision", "dim", "vectors", "embedded", "share", "serving", "completed_at",
"index": null or {"kind", "vectors", "size_bytes", "built_at"}, "words": whether
this machine can search it by words, "dropped_by"}]}`;

const dataset = ['<dataset>', "the dataset's name"] as const;
const model = ['<model>', 'its key (name@revision), or its name', modelName] as const;

/** Adds the commands for the models that have vectors in a dataset. */
export function addDatasetModelCommands(models: Command, end: End): void {
  addOf(models, end);
  addUse(models, end);
  addDrop(models, end);
}

function addOf(models: Command, end: End): void {
  models
    .command('of', { isDefault: true })
    .summary('list the models that have vectors in a dataset, and which one serves')
    .description(
      'Lists the models that have vectors in a dataset. A search that names no model uses the one that serves.',
    )
    .argument(...dataset)
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
EMBEDDED is the share of the indexed samples that have a vector of the model.
COMPLETED is when it last embedded the dataset to the end, INDEX the kind of the
published index of its vectors.

With --json: ${MODELS_JSON}
${EXIT_CODES}

Examples:
  plimsoll models of photos
  plimsoll models photos --json | jq -r .serving`,
    )
    .action(async (name: string, options: CommonOptions) => end(await list(name, options)));
}

async function list(name: string, options: CommonOptions): Promise<number> {
  const [{ withStore }, { listDatasetModels }, { presentModels }] = await Promise.all([
    import('../../connection.ts'),
    import('../../../core/search/dataset-models.ts'),
    import('../../../api/present/dataset-models.ts'),
  ]);
  const output = createOutput(options);
  return withStore({ dataDir: options.data }, async (store) => {
    const found = await listDatasetModels(store, name);
    const lines = output.json || found.models.length === 0 ? [] : await tableOf(found, output);
    output.result(await presentModels(name, found, await modelsHere()), () => lines);
    if (found.models.length === 0) output.note(`${name} has no vectors yet. Embed it: plimsoll embed ${name}`);
    return 0;
  });
}

/** The media and the folders of models that this machine knows. */
async function modelsHere() {
  const [{ knownMedia }, { modelFoldersFrom }] = await Promise.all([
    import('../../../core/media/registry.ts'),
    import('../../../core/models/model-folders.ts'),
  ]);
  return { media: knownMedia(), modelFolders: modelFoldersFrom(process.env) };
}

async function tableOf({ indexed, models }: DatasetModels, { paint, width }: Output): Promise<string[]> {
  const { columns } = await import('../../terminal/columns.ts');
  return columns(
    [
      { title: 'MODEL' },
      { title: 'VECTORS', align: 'right' },
      { title: 'DIM', align: 'right' },
      { title: 'EMBEDDED', align: 'right' },
      { title: 'COMPLETED' },
      { title: 'INDEX' },
      { title: 'STATE' },
    ],
    models.map((each) => [
      printable(each.key),
      count(each.vectors),
      count(each.dim),
      shareInWords(each, indexed),
      each.completedAt === undefined ? '-' : ago(each.completedAt.toISOString()),
      each.index?.kind ?? '-',
      each.serves ? 'serves' : each.droppedBy === undefined ? '' : `dropped by job ${each.droppedBy}`,
    ]),
    paint,
    width,
  );
}

/** A share is rounded down: 100% are all. */
const shareInWords = ({ embedded }: DatasetModel, indexed: number) =>
  indexed === 0 ? '-' : `${Math.min(100, Math.floor((100 * embedded) / indexed))}%`;

function addUse(models: Command, end: End): void {
  models
    .command('use')
    .summary('choose the model that serves searches')
    .description('Lets a model that has vectors in a dataset serve its searches from now on.')
    .argument(...dataset)
    .argument(...model)
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A name means its revision that was completed last. The model that served before
keeps its vectors: use it again, or drop it. To switch at the moment when a new
model has embedded everything, start it with --switch:
  plimsoll embed photos --model ./models/new --switch

With --json: what "plimsoll models of --json" prints, with "before": the key of
the model that served before, or null.
${EXIT_CODES}

Examples:
  plimsoll models use photos my-clip
  plimsoll models use photos color-gradient-grid@1b7a3c5d9e02`,
    )
    .action(async (name: string, asked: string, options: CommonOptions) => end(await use(name, asked, options)));
}

async function use(name: string, asked: string, options: CommonOptions): Promise<number> {
  const [{ withStore }, { useModel }, { presentUsed }] = await Promise.all([
    import('../../connection.ts'),
    import('../../../core/search/dataset-models.ts'),
    import('../../../api/present/dataset-models.ts'),
  ]);
  const output = createOutput(options);
  return withStore({ dataDir: options.data }, async (store) => {
    const used = await useModel(store, name, asked);
    const { key, embedded } = used.used;
    output.result(await presentUsed(name, used, await modelsHere()), () => [
      `Searches of ${name} use ${printable(key)}.`,
    ]);
    if (embedded < used.indexed) {
      output.note(
        `note: it has vectors of ${count(embedded)} of ${counted(used.indexed, 'sample')}. The others are not found.`,
      );
    }
    return 0;
  });
}

function addDrop(models: Command, end: End): void {
  models
    .command('drop')
    .summary("remove a model's vectors from a dataset")
    .description(
      "Asks, and removes a model's vectors from a dataset. The samples and the vectors of other models stay. " +
        'Prints the job ID and returns at once.',
    )
    .argument(...dataset)
    .argument(...model)
    .option('--yes', 'do not ask; required where there is no terminal')
    .option('--dry-run', 'remove nothing; only say how much it would be')
    .addOption(
      ifRunningOption('if an embedding with it, or a drop, is running: fail, return a drop, or cancel it first'),
    )
    .option('--wait', 'wait until it is done, and say what was removed')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The model that serves searches can't be dropped while another one has vectors:
let that one serve first, with "plimsoll models use". A name must have one
revision in the dataset. A drop that was canceled keeps the rest of the vectors;
drop again to remove them, or embed again to complete them.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --dry-run
{"dataset", "dry_run", "model", "samples", "vectors", "schedules"}; with --wait,
once the job is over, what "plimsoll status --json" prints, with removed
{samples, vectors}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll models drop photos old-clip
  plimsoll models drop photos old-clip@1b7a3c5d9e02 --yes --wait`,
    )
    .action(async (name: string, asked: string, options: RemovalOptions) => end(await drop(name, asked, options)));
}

function drop(name: string, asked: string, options: RemovalOptions): Promise<number> {
  const removal: Removal = {
    dataset: name,
    name: 'A drop',
    refusal: 'Nothing was removed.',
    preview: (client) => client.countDrop(name, asked),
    previewLines: ({ vectors, schedules }) => [
      `A drop of ${asked} would remove ${counted(vectors, 'vector')} of ${name}.`,
      ...schedules.map(bringsBack),
    ],
    warnings: ({ schedules }) => schedules.map(bringsBack),
    question: ({ vectors }) => `Remove ${counted(vectors, 'vector')} of ${printable(asked)} from ${name}?`,
    start: (client, how) => client.dropModel(name, asked, how),
  };
  return removeAfterAsking(removal, options);
}

const bringsBack = (schedule: string) => `The schedule ${schedule} embeds with it, and would bring the vectors back.`;
