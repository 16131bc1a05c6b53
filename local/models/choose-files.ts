import { DTYPES, type Dtype } from '../../contract/model-name.ts';
import { ModelInvalidError } from '../../core/models/errors.ts';
import type { ModelPackage } from '../../core/models/known-models.ts';
import type { HubFile } from './hub-files.ts';
import {
  graphsOfVariant,
  isWeightsOf,
  type PlainGraphs,
  plainGraphsIn,
  variantOf,
  variantsIn,
} from './variant-files.ts';

/** The files to fetch. */
export interface WantedModel {
  /** The name that the model will have on this machine. */
  name: string;
  /** As `org/name`. */
  repository: string;
  /** Paths that the model can't do without; undefined to find its graphs in the repository. */
  files: readonly string[] | undefined;
  /** The content of small files that a repository may lack, by their paths. */
  configs: Readonly<Record<string, object>>;
  /** Packages that hold the model, too. */
  packages: readonly ModelPackage[];
}

/** Small files that say how a model is used. Those that a repository has are fetched. */
const CONFIGS: ReadonlySet<string> = new Set([
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  '1_Pooling/config.json',
]);

/** One of these says what the model is for: images or text. */
const PURPOSES = ['preprocessor_config.json', 'tokenizer.json'];

/**
 * Chooses the files of a model in a repository: the graphs of the variants with their external weights, and its small
 * files.
 *
 * @throws ModelInvalidError if a file is missing
 */
export function chooseFiles(
  { name, repository, files }: Pick<WantedModel, 'name' | 'repository' | 'files'>,
  tree: readonly HubFile[],
  dtypes: readonly Dtype[] = ['fp32'],
): HubFile[] {
  const there = new Set(tree.map(({ path }) => path));
  const plain = plainGraphsIn(files === undefined ? there : new Set(files));
  if (plain === undefined)
    throw new ModelInvalidError(
      `Model "${name}": the repository ${repository} has no ONNX graph, such as onnx/model.onnx. ` +
        'Look for an export for transformers.js: many are at Xenova and onnx-community.',
    );
  const graphs = graphsOf(plain, dtypes, there, files !== undefined);
  const needed = [...graphs, ...(files ?? []).filter((path) => !path.endsWith('.onnx'))];
  const missing = needed.filter((path) => !there.has(path));
  if (missing.length > 0)
    throw new ModelInvalidError(
      `Model "${name}": the repository ${repository} has no ${missing.join(', ')}.` +
        variantsInWords(plain, missing, there),
    );
  if (!PURPOSES.some((path) => there.has(path)))
    throw new ModelInvalidError(`Model "${name}": the repository ${repository} has no ${PURPOSES.join(' and no ')}.`);
  return tree.filter(({ path }) => needed.includes(path) || CONFIGS.has(path) || isWeightsOf(graphs, path));
}

/** The graphs of several variants. A known model can't do without its text side, another one may lack it. */
function graphsOf(
  plain: PlainGraphs,
  dtypes: readonly Dtype[],
  there: ReadonlySet<string>,
  needsText: boolean,
): string[] {
  const graphs = dtypes.flatMap((dtype) => graphsOfVariant(plain, dtype, there));
  return [...new Set(graphs)].filter((graph) => needsText || graph !== plain.text || there.has(graph));
}

/** Names the variants of a repository that lacks the one that is asked for. */
function variantsInWords(plain: PlainGraphs, missing: readonly string[], there: ReadonlySet<string>): string {
  const variants = variantsIn(there, plain);
  const lacksVariant = missing.some((path) => DTYPES.some((dtype) => path === variantOf(plain.own, dtype)));
  return lacksVariant && variants.length > 0
    ? ` It has the variants ${variants.join(', ')}: choose one with --dtype.`
    : '';
}
