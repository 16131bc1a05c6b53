import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { ModelInvalidError, ModelNotFoundError } from './errors.ts';

/** At the root of the package, which is one folder further up from the built sources in dist. */
const BUILTIN_FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../models' : '../../../models', import.meta.url),
);

export interface ModelFiles {
  name: string;
  directory: string;
  graphFile: string;
  preprocessorFile: string;
}

/** Where ONNX files lie in the layouts of transformers.js and Optimum. The image part of a model of two goes before the whole. */
const GRAPH_FILES = ['vision_model.onnx', 'onnx/vision_model.onnx', 'model.onnx', 'onnx/model.onnx'];

/**
 * The files of the model that is called `name`: the built-in one, a folder below one of `folders` (`name` or `org/name`), or an
 * absolute path to a folder.
 *
 * @throws ModelNotFoundError, ModelInvalidError
 */
export async function findModel(name: string, folders: readonly string[] = []): Promise<ModelFiles> {
  const directory = await findDirectory(name, folders);
  const preprocessorFile = join(directory, 'preprocessor_config.json');
  if (!(await isFile(preprocessorFile)))
    throw new ModelInvalidError(`Model "${name}": ${preprocessorFile} is missing; it says how to prepare images.`);
  return { name, directory, graphFile: await findGraph(name, directory), preprocessorFile };
}

async function findDirectory(name: string, folders: readonly string[]): Promise<string> {
  if (isAbsolute(name)) {
    if (await isDirectory(name)) return normalize(name);
    throw new ModelNotFoundError(`There is no model folder at "${name}".`);
  }
  if (name === '' || name.split(/[/\\]/).some((part) => part === '' || part === '.' || part === '..'))
    throw new ModelNotFoundError(`"${name}" is no model name: give a folder's name, "org/name", or an absolute path.`);
  for (const folder of [...folders, BUILTIN_FOLDER]) {
    const directory = join(folder, name);
    if (await isDirectory(directory)) return directory;
  }
  const searched = folders.length === 0 ? 'PLIMSOLL_MODELS is not set' : `looked in ${folders.join(', ')}`;
  throw new ModelNotFoundError(
    `There is no model "${name}" (${searched}). Use "${BUILT_IN_MODEL}", which is built in, an absolute path to a model ` +
      'folder, or put the folder that holds your models in PLIMSOLL_MODELS.',
  );
}

async function findGraph(name: string, directory: string): Promise<string> {
  for (const file of GRAPH_FILES) if (await isFile(join(directory, file))) return join(directory, file);

  const graphs: string[] = [];
  for (const folder of [directory, join(directory, 'onnx')]) {
    const entries = await readdir(folder).catch(() => []);
    graphs.push(...entries.filter((entry) => entry.endsWith('.onnx')).map((entry) => join(folder, entry)));
  }
  const [only, another] = graphs;
  if (only === undefined)
    throw new ModelInvalidError(`Model "${name}": no ONNX file in ${directory} or its onnx folder.`);
  if (another !== undefined)
    throw new ModelInvalidError(
      `Model "${name}": which of ${graphs.join(', ')} is meant? Name it model.onnx, or vision_model.onnx.`,
    );
  return only;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
