/** Maps the names of models to their folders and to the keys of their vectors. */
import { basename, isAbsolute, resolve } from 'node:path';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { modelNameOf, parseModelName, withoutPlainDtype } from '../../contract/model-name.ts';

/** The part of a medium's layout that names depend on. */
interface BuiltIn {
  builtIn?: string;
}

/** The name of the folder that a model's name means, with the variant and the revision that it names. */
export function folderNamed(model: string, { builtIn }: BuiltIn): string {
  const parts = parseModelName(model);
  return parts.name === BUILT_IN_MODEL && builtIn !== undefined ? modelNameOf({ ...parts, name: builtIn }) : model;
}

/** Splits what a model is called into what is to be found, with its variant, and the revision that it must have. */
export function parseModel(model: string, layout: BuiltIn): { name: string; revision: string | undefined } {
  const { name, dtype, revision } = parseModelName(folderNamed(model, layout));
  return { name: modelNameOf({ name: isAbsolute(name) ? resolve(name) : name, dtype }), revision };
}

/**
 * The name in the key of a model's vectors. It does not depend on the location of the model's folder, and says which
 * variant made the vectors: those of two variants are not compared.
 */
export const nameInKey = (name: string): string => withoutPlainDtype(isAbsolute(name) ? basename(name) : name);
