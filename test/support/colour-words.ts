/**
 * A small model with two sides: pictures and words of their colours in one space, in the layout of transformers.js. It
 * goes through the same code as CLIP.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGraph } from '../../scripts/onnx.ts';

type Colour = readonly [red: number, green: number, blue: number];

/** The colours that the model has words for, as bytes. */
export const COLOURS: Readonly<Record<string, Colour>> = {
  red: [255, 0, 0],
  green: [0, 160, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  orange: [255, 140, 0],
  purple: [128, 0, 128],
  pink: [255, 160, 200],
  brown: [120, 60, 20],
  black: [0, 0, 0],
  white: [255, 255, 255],
  grey: [128, 128, 128],
};

/** The number of elements of a vector. */
export const COLOURS_DIM = 4;

/** Words and punctuation that weigh nothing, as unknown words do. */
const FILLERS = 'a an the one two some of in on with and is it this that picture photo image thing . , ! ?'.split(' ');
const PAD = '[PAD]';
const UNKNOWN = '[UNK]';
const VOCABULARY = [PAD, UNKNOWN, '[CLS]', '[SEP]', ...Object.keys(COLOURS), ...FILLERS];
const MAX_TOKENS = 32;

/** The side of the square that pictures are shrunk and cropped to, in pixels. */
const SIZE = 8;
/** The last element of each colour's vector. It keeps grey from being zero. */
const LIGHT = 0.5;

/**
 * Writes the model into a folder, which it creates, and returns its path.
 *
 * A picture's vector is its mean colour, that of words the mean of their colours: `[red - 0.5, green - 0.5, blue - 0.5,
 * 0.5]`, scaled to length 1. Words without a colour fail as `vector_not_finite`.
 */
export async function makeColourWordsModel(folder: string): Promise<string> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await writeFile(join(folder, 'onnx', 'vision_model.onnx'), colourVisionGraph());
  await writeFile(join(folder, 'onnx', 'text_model.onnx'), colourTextGraph());
  await writeJson(join(folder, 'preprocessor_config.json'), PREPROCESSING);
  await writeJson(join(folder, 'tokenizer.json'), TOKENIZER);
  await writeJson(join(folder, 'tokenizer_config.json'), TOKENIZER_CONFIG);
  return folder;
}

const vectorOf = (colour: Colour): number[] => [...colour.map((value) => value / 255 - 0.5), LIGHT];

/** The graph of the pictures. That of the type float16 takes and gives halves. */
export function colourVisionGraph(type: 'float32' | 'float16' = 'float32'): Uint8Array {
  const graph = createGraph({ name: 'colours' });
  const pixels = graph.input('pixel_values', type, ['batch', 3, SIZE, SIZE]);
  const means = graph.apply('ReduceMean', [pixels], { axes: [2, 3], keepdims: 0 });
  graph.apply('Pad', [means, ints(graph, [0, 0, 0, 1]), graph.constant(type, [], [LIGHT])], {}, 'image_embeds');
  graph.output('image_embeds', type, ['batch', COLOURS_DIM]);
  return graph.encode();
}

/** The graph of the words. That of the type float16 gives halves. */
export function colourTextGraph(type: 'float32' | 'float16' = 'float32'): Uint8Array {
  const graph = createGraph({ name: 'colour-words' });
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  const table = VOCABULARY.flatMap((word) => {
    const colour = COLOURS[word];
    if (colour !== undefined) return vectorOf(colour);
    // Padding has a colour of its own, so that an ignored mask changes the result.
    return new Array<number>(COLOURS_DIM).fill(word === PAD ? 1 : 0);
  });
  const words = graph.apply('Gather', [graph.constant(type, [VOCABULARY.length, COLOURS_DIM], table), ids]);
  const weights = graph.apply('Unsqueeze', [
    graph.apply('Cast', [mask], { to: type === 'float32' ? 1 : 10 }),
    ints(graph, [2]),
  ]);
  const weighted = graph.apply('Mul', [words, weights]);
  // Scaling makes the mean of it.
  graph.apply('ReduceSum', [weighted, ints(graph, [1])], { keepdims: 0 }, 'text_embeds');
  graph.output('text_embeds', type, ['batch', COLOURS_DIM]);
  return graph.encode();
}

const ints = (graph: ReturnType<typeof createGraph>, values: readonly number[]) =>
  graph.constant('int64', [values.length], values);

const PREPROCESSING = {
  image_processor_type: 'CLIPImageProcessor',
  size: { shortest_edge: SIZE },
  crop_size: SIZE,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [1, 1, 1],
};

const idOf = (token: string) => VOCABULARY.indexOf(token);
const special = (token: string) => ({ id: token, ids: [idOf(token)], tokens: [token] });

const TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [PAD, UNKNOWN, '[CLS]', '[SEP]'].map((content) => ({
    id: idOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: { '[CLS]': special('[CLS]'), '[SEP]': special('[SEP]') },
  },
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: UNKNOWN,
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])),
  },
};

const TOKENIZER_CONFIG = {
  tokenizer_class: 'BertTokenizer',
  model_max_length: MAX_TOKENS,
  pad_token: PAD,
  unk_token: UNKNOWN,
};

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
