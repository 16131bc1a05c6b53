import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { type Dtype, parseModelName } from '../../contract/model-name.ts';
import { ModelInvalidError, ModelNotFoundError } from './errors.ts';
import { isRepository, knownModel } from './known-models.ts';
import { PACKAGED_MODELS } from './model-folders.ts';
import { folderNamed } from './model-names.ts';
import { GRAPH_FOLDERS, isFile, listVariants, variantMissing } from './variants.ts';

/** The files of a medium's models within their folders. */
export interface ModelLayout {
  /** The folder of the built-in model, which the name `built-in` means. Absent if the side has none. */
  builtIn?: string;
  /** Paths of the graph relative to the model's folder, best first. */
  graphs: readonly string[];
  /** Whether an ONNX file of another name may be the graph. If omitted, every one may. */
  mayBeGraph?: (file: string) => boolean;
  /** Files that a model needs beside its graph, and their purpose. */
  files: readonly { name: string; purpose: string }[];
  /** Files that change the vectors of a model that has them. */
  optional?: readonly string[];
  /** Usual names of the output that holds an item's vector, best first. */
  outputs: readonly string[];
  /** Advice for a folder with several graphs of other names. */
  whichGraph: string;
}

/** The files of a model. */
export interface ModelFiles {
  /** As it was asked for, with the variant. */
  name: string;
  /** The variant that was asked for. */
  dtype?: Dtype | undefined;
  directory: string;
  graphFile: string;
  /** The files that the layout needs beside the graph, in the layout's order. */
  files: string[];
  /** Paths of the layout's optional files that are there, by their names in the layout. */
  optional: Readonly<Partial<Record<string, string>>>;
  /** Paths of the layout's optional files that are not there. */
  absent: readonly string[];
}

/**
 * Finds the files of the model `name`. The name is a folder (`name` or `org/name`) below one of `folders` or below the
 * built-in models, or the absolute path of a folder. A variant behind it (`name:fp16`) is a graph of that folder.
 *
 * @throws ModelNotFoundError, ModelInvalidError
 */
export async function findModel(
  name: string,
  layout: ModelLayout,
  folders: readonly string[] = [],
): Promise<ModelFiles> {
  const found = await findModelFolder(name, layout, folders);
  return { ...found, graphFile: await findGraph(found, layout) };
}

/** A model without its graph: its variants share a folder, and the files that say how items are prepared. */
export type ModelFolder = Omit<ModelFiles, 'graphFile'>;

/**
 * Finds a model's folder and the files beside its graph. The graph need not be there: counting tokens takes none.
 *
 * @throws ModelNotFoundError, ModelInvalidError
 */
export async function findModelFolder(
  name: string,
  layout: ModelLayout,
  folders: readonly string[] = [],
): Promise<ModelFolder> {
  const asked = folderNamed(name, layout);
  const { name: folder, dtype } = parseModelName(asked);
  return folderOf({ name: asked, dtype, directory: await findDirectory(folder, dtype, folders) }, layout);
}

/**
 * Finds the files of another side of a model, which lies in the same folder. It has the variant of the model, as all
 * graphs of a model have in transformers.js. If it has none, the plain graph takes its place: it lies in the same space,
 * nearer to what both approximate, and words are better compared than refused.
 *
 * @throws ModelInvalidError
 */
export async function findSide({ name, directory, dtype }: ModelFiles, layout: ModelLayout): Promise<ModelFiles> {
  const found = await folderOf({ name, directory, dtype }, layout);
  const variant = dtype && (await listVariants(directory, layout.graphs)).get(dtype);
  return { ...found, graphFile: variant ?? (await findGraph({ name, directory }, layout)) };
}

/** Whether a model's folder holds a graph of this side. */
export async function hasSide({ directory }: ModelFiles, layout: ModelLayout): Promise<boolean> {
  return (await listGraphs(directory, layout)).length > 0;
}

type Found = Pick<ModelFiles, 'name' | 'directory' | 'dtype'>;

async function folderOf(found: Found, layout: ModelLayout): Promise<ModelFolder> {
  const { name, directory } = found;
  const files: string[] = [];
  for (const { name: file, purpose } of layout.files) {
    const path = join(directory, file);
    if (!(await isFile(path))) throw new ModelInvalidError(`Model "${name}": ${path} is missing; ${purpose}.`);
    files.push(path);
  }
  const optional: Record<string, string> = {};
  const absent: string[] = [];
  for (const file of layout.optional ?? []) {
    const path = join(directory, file);
    if (await isFile(path)) optional[file] = path;
    else absent.push(path);
  }
  return { ...found, files, optional, absent };
}

async function findDirectory(name: string, dtype: Dtype | undefined, folders: readonly string[]): Promise<string> {
  if (isAbsolute(name)) {
    if (await isDirectory(name)) return normalize(name);
    throw new ModelNotFoundError(`There is no model folder at "${name}".`);
  }
  if (name === '' || name.split(/[/\\]/).some((part) => part === '' || part === '.' || part === '..'))
    throw new ModelNotFoundError(
      `"${name}" is not a model name: give a folder's name, "org/name", or an absolute path.`,
    );
  for (const folder of [...folders, PACKAGED_MODELS]) {
    const directory = join(folder, name);
    if (await isDirectory(directory)) return directory;
  }
  const searched = folders.length === 0 ? '' : ` (looked in ${folders.join(', ')})`;
  throw new ModelNotFoundError(`There is no model "${name}" here${searched}. ${howToHave(name, dtype)}`);
}

function howToHave(name: string, dtype: Dtype | undefined): string {
  const option = dtype === undefined ? '' : ` --dtype ${dtype}`;
  const known = knownModel(name);
  if (known?.name === name)
    return (
      'Fetch it on the machine of the embedding worker, and for documents also on that of the indexing worker: ' +
      `plimsoll models fetch ${name}${option}`
    );
  if (known !== undefined)
    return `Its whole name is ${known.name}. If it is not here yet: plimsoll models fetch ${known.name}${option}`;
  const ways =
    `Use "${BUILT_IN_MODEL}", which is built in, an absolute path to a model folder, ` +
    'or put the folder that holds your models in PLIMSOLL_MODELS.';
  return isRepository(name)
    ? `${ways} A repository of the hub can be fetched: plimsoll models fetch ${name}${option}`
    : ways;
}

async function findGraph({ name, directory, dtype }: Found, layout: ModelLayout): Promise<string> {
  if (dtype !== undefined) {
    const variants = await listVariants(directory, layout.graphs);
    const graph = variants.get(dtype);
    if (graph === undefined) throw variantMissing(name, directory, variants, layout.graphs);
    return graph;
  }
  const graphs = await listGraphs(directory, layout);
  const [only, another] = graphs;
  if (only === undefined)
    throw new ModelInvalidError(`Model "${name}": no ONNX file in ${directory} or its onnx folder.`);
  if (another !== undefined) {
    const [variant] = (await listVariants(directory, layout.graphs)).keys();
    const orDtype = variant === undefined ? '' : ` Or say which variant: ${name}:${variant}.`;
    throw new ModelInvalidError(
      `Model "${name}": which of ${graphs.join(', ')} is meant? ${layout.whichGraph}${orDtype}`,
    );
  }
  return only;
}

/** The file with the best of the usual names, otherwise all that may be the graph. */
async function listGraphs(
  directory: string,
  { graphs: usual, mayBeGraph = () => true }: ModelLayout,
): Promise<string[]> {
  for (const file of usual) if (await isFile(join(directory, file))) return [join(directory, file)];
  const graphs: string[] = [];
  for (const folder of GRAPH_FOLDERS.map((each) => join(directory, each))) {
    const entries = await readdir(folder).catch(() => []);
    const found = entries.filter((entry) => entry.endsWith('.onnx') && mayBeGraph(entry));
    graphs.push(...found.map((entry) => join(folder, entry)));
  }
  return graphs;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
