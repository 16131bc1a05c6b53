import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const VOCAB = ['<pad>', '<s>', '</s>', 'a', 'b', 'A'];

/** The tokens' numbers. */
export const idsOf = (...tokens: string[]) => tokens.map((token) => VOCAB.indexOf(token));

const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });

/** A tokenizer whose tokens are letters, between `<s>` and `</s>`. It skips letters that it does not know. */
export const LETTERS = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: {
    type: 'TemplateProcessing',
    single: [special('<s>'), { Sequence: { id: 'A', type_id: 0 } }, special('</s>')],
    pair: [],
    special_tokens: {},
  },
  decoder: null,
  model: { type: 'BPE', vocab: Object.fromEntries(VOCAB.map((token, id) => [token, id])), merges: [] },
};

export const LETTERS_CONFIG = {
  tokenizer_class: 'LetterTokenizer',
  model_max_length: 6,
  pad_token: '<pad>',
  padding_side: 'right',
  truncation_side: 'right',
};

/** Writes the two files of a tokenizer, and returns their paths. */
export async function writeTokenizer(folder: string, tokenizer: object, config: object): Promise<[string, string]> {
  const files: [string, string] = [join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')];
  await writeFile(files[0], JSON.stringify(tokenizer));
  await writeFile(files[1], JSON.stringify(config));
  return files;
}
