/** The variants of a model: graphs of other precisions beside the plain one, in the layout of transformers.js. */
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { DTYPE_SUFFIXES, DTYPES, type Dtype, parseModelName } from '../../contract/model-name.ts';
import { ModelNotFoundError } from './errors.ts';
import { isRepository, knownModel } from './known-models.ts';
import { PACKAGED_MODELS } from './model-folders.ts';

/** The folders of graphs, relative to a model's folder. */
export const GRAPH_FOLDERS = ['', 'onnx'];

/**
 * The variants in a model's folder, by their dtypes. If a folder holds a vision part and a graph of both parts, they are
 * those of the vision part, as without a dtype.
 *
 * @param graphs paths of the plain graph in the layout of a side, best first
 */
export async function listVariants(directory: string, graphs: readonly string[]): Promise<Map<Dtype, string>> {
  for (const stem of stemsOf(graphs)) {
    const variants = new Map<Dtype, string>();
    for (const dtype of DTYPES) {
      for (const folder of GRAPH_FOLDERS) {
        const path = join(directory, folder, fileOf(stem, dtype));
        if (!variants.has(dtype) && (await isFile(path))) variants.set(dtype, path);
      }
    }
    if (variants.size > 0) return variants;
  }
  return new Map();
}

const fileOf = (stem: string, dtype: Dtype) => `${stem}${DTYPE_SUFFIXES[dtype]}.onnx`;

/** The names of plain graphs without their endings, best first. */
function stemsOf(graphs: readonly string[]): string[] {
  const names = graphs.map((graph) => basename(graph, '.onnx'));
  const isVariant = (name: string) => Object.values(DTYPE_SUFFIXES).some((suffix) => suffix && name.endsWith(suffix));
  return [...new Set(names.filter((name) => !isVariant(name)))];
}

/** The error for a variant that a model's folder does not hold. It names the file, and what is there. */
export function variantMissing(
  model: string,
  directory: string,
  variants: ReadonlyMap<Dtype, string>,
  graphs: readonly string[],
): ModelNotFoundError {
  const { name, dtype = 'fp32' } = parseModelName(model);
  const [another = ''] = variants.values();
  const stems = stemsOf(graphs);
  const stem = stems.find((each) => basename(another).startsWith(each)) ?? stems.at(-1) ?? 'model';
  return new ModelNotFoundError(
    `Model "${model}": there is no ${fileOf(stem, dtype)} in ${directory} or its onnx folder. ` +
      `Variants that are there: ${[...variants.keys()].join(', ') || 'none'}. ${howToHave(name, dtype, directory)}`,
  );
}

function howToHave(name: string, dtype: Dtype, directory: string): string {
  if (directory.startsWith(PACKAGED_MODELS)) return 'The built-in model has no others.';
  if (isAbsolute(name) || !(isRepository(name) || knownModel(name)?.name === name))
    return 'Put the file there, or name another variant.';
  return `If the hub has it: plimsoll models fetch ${name} --dtype ${dtype}`;
}

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
