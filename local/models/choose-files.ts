import { ModelInvalidError } from '../../core/models/errors.ts';
import type { ModelPackage } from '../../core/models/known-models.ts';
import type { HubFile } from './hub-files.ts';

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

/** The folders of graphs in the layout of transformers.js, and in other exports. */
const GRAPH_FOLDERS = ['onnx/', ''];

/**
 * Chooses the files of a model in a repository: its graphs with their external weights, and its small files.
 *
 * @throws ModelInvalidError if a file is missing
 */
export function chooseFiles(
  { name, repository, files }: Pick<WantedModel, 'name' | 'repository' | 'files'>,
  tree: readonly HubFile[],
): HubFile[] {
  const there = new Set(tree.map(({ path }) => path));
  const needed = files ?? graphsIn(there);
  const missing = needed.filter((path) => !there.has(path));
  if (missing.length > 0)
    throw new ModelInvalidError(`Model "${name}": the repository ${repository} has no ${missing.join(', ')}.`);
  const graphs = needed.filter((path) => path.endsWith('.onnx'));
  if (graphs.length === 0)
    throw new ModelInvalidError(
      `Model "${name}": the repository ${repository} has no ONNX graph, such as onnx/model.onnx. ` +
        'Look for an export for transformers.js: many are at Xenova and onnx-community.',
    );
  if (!PURPOSES.some((path) => there.has(path)))
    throw new ModelInvalidError(`Model "${name}": the repository ${repository} has no ${PURPOSES.join(' and no ')}.`);
  return tree.filter(({ path }) => needed.includes(path) || CONFIGS.has(path) || isWeightsOf(graphs, path));
}

/** The parts of a model of images and text, or its only graph. */
function graphsIn(there: ReadonlySet<string>): string[] {
  for (const folder of GRAPH_FOLDERS) {
    const [vision, text, only] = ['vision_model.onnx', 'text_model.onnx', 'model.onnx'].map(
      (file) => folder + file,
    ) as [string, string, string];
    if (there.has(vision)) return [vision, text].filter((path) => there.has(path));
    if (there.has(only)) return [only];
  }
  return [];
}

/** Weights above 2 GiB lie beside their graph: `model.onnx_data`, `model.onnx_data_1`, `model.onnx.data`. */
const isWeightsOf = (graphs: readonly string[], path: string): boolean =>
  graphs.some((graph) => path.startsWith(graph) && /^(_data(_\d+)?|\.data)$/.test(path.slice(graph.length)));
