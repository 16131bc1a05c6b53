/** Full names of models: a name, then optionally a variant and a revision, as in `name:fp16@1b7a3c5d9e02`. */

/**
 * The variants of a model's graph, and what each adds to the names of its files: those of transformers.js, so that a
 * model published for it is found. fp32 is the plain graph.
 */
export const DTYPE_SUFFIXES = {
  fp32: '',
  fp16: '_fp16',
  int8: '_int8',
  uint8: '_uint8',
  q8: '_quantized',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const;

export type Dtype = keyof typeof DTYPE_SUFFIXES;

export const DTYPES = Object.keys(DTYPE_SUFFIXES) as Dtype[];

export interface ModelName {
  /** The name of a folder, or the path of one. */
  name: string;
  dtype?: Dtype | undefined;
  revision?: string | undefined;
}

/** A path of Windows has a colon, too (`C:\models\clip`): only a known variant behind the last one counts. */
const PARTS = new RegExp(`^(.+?)(?::(${DTYPES.join('|')}))?(?:@([0-9a-f]{12}))?$`, 's');

/** Splits what a model is called. */
export function parseModelName(model: string): ModelName {
  const [, name = model, dtype, revision] = PARTS.exec(model) ?? [];
  return { name, dtype: dtype as Dtype | undefined, revision };
}

/** Joins the parts of what a model is called. A path may end with a slash, as shells complete it. */
export function modelNameOf({ name, dtype, revision }: ModelName): string {
  const folder = dtype === undefined ? name : name.replace(/(?<=[^/\\])[/\\]+$/, '');
  return `${folder}${dtype === undefined ? '' : `:${dtype}`}${revision === undefined ? '' : `@${revision}`}`;
}

/** The name without the variant fp32, which is the plain graph: vectors of one graph have one key. */
export function withoutPlainDtype(model: string): string {
  const { dtype, ...rest } = parseModelName(model);
  return dtype === 'fp32' ? modelNameOf(rest) : model;
}
