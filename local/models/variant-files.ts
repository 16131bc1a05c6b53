/** The graphs of a model's variants, among the paths of a repository or of a fetched model. */
import { DTYPE_SUFFIXES, DTYPES, type Dtype } from '../../contract/model-name.ts';

/** The folders of graphs in the layout of transformers.js, and in other exports. */
const GRAPH_FOLDERS = ['onnx/', ''];

/** The paths that a model's plain graphs have or would have. */
export interface PlainGraphs {
  /** The graph that makes the vectors of samples. */
  own: string;
  /** That of the words, in a model of two parts. */
  text: string | undefined;
}

/** The parts of a model of images and text, or its only graph, in any variant. Undefined if there is none. */
export function plainGraphsIn(paths: ReadonlySet<string>): PlainGraphs | undefined {
  const isThere = (graph: string) => DTYPES.some((dtype) => paths.has(variantOf(graph, dtype)));
  for (const folder of GRAPH_FOLDERS) {
    const [vision, text, only] = [`${folder}vision_model.onnx`, `${folder}text_model.onnx`, `${folder}model.onnx`];
    if (isThere(vision)) return { own: vision, text: isThere(text) ? text : undefined };
    if (isThere(only)) return { own: only, text: undefined };
  }
  return undefined;
}

/** The path of a plain graph's variant: `onnx/model_fp16.onnx`. */
export const variantOf = (graph: string, dtype: Dtype): string =>
  graph.replace(/\.onnx$/, `${DTYPE_SUFFIXES[dtype]}.onnx`);

/** The variants of a model whose own graph is there. */
export const variantsIn = (paths: ReadonlySet<string>, graphs = plainGraphsIn(paths)): Dtype[] =>
  graphs === undefined ? [] : DTYPES.filter((dtype) => paths.has(variantOf(graphs.own, dtype)));

/** The graphs that a variant needs. A text side without the variant has its plain graph, as where models are found. */
export function graphsOfVariant({ own, text }: PlainGraphs, dtype: Dtype, paths: ReadonlySet<string>): string[] {
  const textVariant = text && variantOf(text, dtype);
  const words = textVariant !== undefined && paths.has(textVariant) ? textVariant : text;
  return [variantOf(own, dtype), ...(words === undefined ? [] : [words])];
}

/** Weights above 2 GiB lie beside their graph: `model.onnx_data`, `model.onnx_data_1`, `model.onnx.data`. */
export const isWeightsOf = (graphs: readonly string[], path: string): boolean =>
  graphs.some((graph) => path.startsWith(graph) && /^(_data(_\d+)?|\.data)$/.test(path.slice(graph.length)));
