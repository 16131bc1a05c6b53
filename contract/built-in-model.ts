import { withoutPlainDtype } from './model-name.ts';

/**
 * The model that an input means if it names none: the one that comes with Plimsoll for the dataset's medium. Its folder
 * has a name of its own, and vectors have that name in their key.
 */
export const BUILT_IN_MODEL = 'built-in';

/** The folders of the built-in models, by medium. They hold nothing learned. See scripts/make-builtin-models.ts. */
export const BUILT_IN_FOLDERS = { image: 'color-gradient-grid', text: 'hashed-words' } as const;

/** The one name of a model in IDs. Callers may name a built-in model by its folder, and the plain graph as fp32. */
export function canonicalModel(model: string): string {
  const name = withoutPlainDtype(model);
  return (Object.values(BUILT_IN_FOLDERS) as string[]).includes(name) ? BUILT_IN_MODEL : name;
}

/** Whether two names mean the same model of a dataset. */
export const isSameModel = (one: string, other: string): boolean => canonicalModel(one) === canonicalModel(other);
