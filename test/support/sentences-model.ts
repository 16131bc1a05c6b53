/**
 * A small model of texts in the layout of sentence-transformers. A token's vector has a 1 at the token's number, so a
 * mean shows which tokens were read. Padding has numbers of its own, so that an ignored mask changes the result.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createGraph } from '../../scripts/onnx.ts';

const VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'query', 'passage', ':', 'a', 'b', 'c', 'd'];
const DIM = VOCABULARY.length;
const MAX_TOKENS = 16;

/** The vector of length 1 of a mean over these tokens. */
export function meanOf(...tokens: string[]): number[] {
  const sums = VOCABULARY.map((token) => tokens.filter((each) => each === token).length);
  const length = Math.hypot(...sums);
  return sums.map((sum) => sum / length);
}

/**
 * Writes the model into a folder, which it creates, and returns its path.
 *
 * @param files the content of further files, by their names
 */
export async function writeSentencesModel(folder: string, files: Readonly<Record<string, unknown>> = {}) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), graphOf());
  const all = { 'tokenizer.json': TOKENIZER, 'tokenizer_config.json': TOKENIZER_CONFIG, ...files };
  for (const [name, content] of Object.entries(all)) await writeSentenceFile(folder, name, content);
  return folder;
}

/** Writes one file of the model, as JSON. */
export async function writeSentenceFile(folder: string, name: string, content: unknown): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), JSON.stringify(content));
}

function graphOf(): Uint8Array {
  const graph = createGraph({ name: 'sentences' });
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  const table = Array.from({ length: DIM * DIM }, (_, i) => {
    const [token, element] = [Math.floor(i / DIM), i % DIM];
    return token === 0 || token === element ? 1 : 0;
  });
  graph.apply('Gather', [graph.constant('float32', [DIM, DIM], table), ids], { axis: 0 }, 'last_hidden_state');
  graph.output('last_hidden_state', 'float32', ['batch', 'tokens', DIM]);
  // BERT has this output, too. It is no vector of a sentence.
  graph.apply('ReduceMax', ['last_hidden_state' as never], { axes: [1], keepdims: 0 }, 'pooler_output');
  graph.output('pooler_output', 'float32', ['batch', DIM]);
  return graph.encode();
}

const special = (token: string) => ({ id: token, ids: [VOCABULARY.indexOf(token)], tokens: [token] });

const TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: false,
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
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])),
  },
};

const TOKENIZER_CONFIG = { tokenizer_class: 'BertTokenizer', model_max_length: MAX_TOKENS, pad_token: '[PAD]' };
