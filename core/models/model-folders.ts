/** The folders of models on this machine. */
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILT_IN_FOLDERS } from '../../contract/built-in-model.ts';
import { cacheFolder } from '../cache-folder.ts';

/** Comes with the package, at its root. The built sources in dist are one folder deeper. */
export const PACKAGED_MODELS = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../models' : '../../../models', import.meta.url),
);

/** The graph that devices are checked with: that of the built-in model of images. */
export const REFERENCE_GRAPH = join(PACKAGED_MODELS, BUILT_IN_FOLDERS.image, 'model.onnx');

/** The folder that `plimsoll models fetch` puts models into. It need not exist. */
export const fetchedModelsFolder = (env: NodeJS.ProcessEnv): string => join(cacheFolder(env), 'models');

/** The folders that are searched for a model's name: those of PLIMSOLL_MODELS, then that of fetched models. */
export function modelFoldersFrom(env: NodeJS.ProcessEnv): string[] {
  const own = (env.PLIMSOLL_MODELS ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...own, fetchedModelsFolder(env)];
}
