import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import * as z from 'zod';
import { inFile, readJson } from './json-file.ts';
import type { Padding, TokenInputs } from './token-inputs.ts';

/** A model's tokenizer, as transformers uses it for this model. */
export interface Tokenizer {
  /** Returns the tokens of a text with the model's special ones. Cuts words off, not special tokens, at the limit. */
  encode(text: string): number[];
  padding: Padding;
}

/** Facts that transformers knows of a class of tokenizers besides its files. */
interface TokenizerClass {
  /** How many tokens the model reads, if `model_max_length` does not say. */
  maxTokens: number;
  /** Whether the model was trained on lower-cased words of a fixed length, whose padding it reads like words. */
  readsPadding: boolean;
}

const SIGLIP: TokenizerClass = { maxTokens: 64, readsPadding: true };

const CLASSES: Partial<Record<string, TokenizerClass>> = {
  // CLIP looks at nothing behind the end of the words.
  CLIPTokenizer: { maxTokens: 77, readsPadding: false },
  SiglipTokenizer: SIGLIP,
  Siglip2Tokenizer: SIGLIP,
  // SigLIP 2 has the tokenizer of Gemma.
  GemmaTokenizer: SIGLIP,
};

/** A longer beginning of a text is not looked at: a second of work for each 100,000 characters. */
const MAX_CHARACTERS_PER_TOKEN = 100;

/** transformers writes 1e30 where it does not know. */
const MAX_KNOWN_TOKENS = 1e6;

const Token = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);

const Config = z.looseObject({
  tokenizer_class: z.string().nullish(),
  model_max_length: z.number().positive().nullish(),
  pad_token: Token.nullish(),
  padding_side: z.literal('right', 'only right is supported').nullish(),
  truncation_side: z.literal('right', 'only right is supported').nullish(),
  do_lower_case: z.boolean().nullish(),
});
type Config = z.infer<typeof Config>;

/** The part of the package's class that is used. Its types can't be resolved from an ES module. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  token_to_id(token: string): number | undefined;
  post_processor: { post_process(tokens: string[], pair: null, special: boolean): { tokens: string[] } } | null;
}

/** All that other files of a model say about the texts that it takes. */
export interface TextLimits {
  /** The model reads no more tokens, special ones among them. */
  maxTokens?: number | undefined;
  /** Whether words are lower-cased before the tokenizer sees them. */
  lowercases?: boolean | undefined;
}

/**
 * Reads a tokenizer.json and a tokenizer_config.json.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readTokenizer(
  tokenizerFile: string,
  configFile: string,
  graph: Pick<TokenInputs, 'fixedTokens' | 'hasMask'>,
  limits: TextLimits = {},
): Promise<Tokenizer> {
  const config = await readJson(configFile, Config);
  const library = await readLibrary(tokenizerFile, config);
  const special = inFile(tokenizerFile, () => specialTokens(library));
  return inFile(configFile, () => {
    const { maxTokens, toTokens, lowercases } = lengthsOf(config, graph, limits);
    const padId = library.token_to_id(config.pad_token ?? '');
    if (padId === undefined) throw new Error('pad_token: a token of tokenizer.json expected');
    const maxWords = maxTokens - special.before.length - special.after.length;
    if (maxWords < 1) throw new Error(`model_max_length: ${maxTokens} tokens leave no room for words`);
    return {
      padding: { id: padId, toTokens },
      encode(text) {
        const beginning = text.slice(0, maxTokens * MAX_CHARACTERS_PER_TOKEN);
        const { ids } = library.encode(lowercases ? beginning.toLowerCase() : beginning, { add_special_tokens: false });
        return [...special.before, ...ids.slice(0, maxWords), ...special.after];
      },
    };
  });
}

async function readLibrary(tokenizerFile: string, config: Config): Promise<Library> {
  const json = await readJson(tokenizerFile, z.looseObject({}));
  return inFile(tokenizerFile, () => new LibraryTokenizer(json, config) as Library);
}

/**
 * Reads a tokenizer, and returns a function that counts the tokens of a text, without special ones and without a limit.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readWordTokens(tokenizerFile: string, configFile: string): Promise<(text: string) => number> {
  const config = await readJson(configFile, Config);
  const library = await readLibrary(tokenizerFile, config);
  return (text) => library.encode(text, { add_special_tokens: false }).ids.length;
}

/**
 * Reads how many tokens of a text's words a model takes: its limit without the special ones and those of the words that
 * stand before each text. Undefined if no file of the tokenizer says it.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readMostWords(
  tokenizerFile: string,
  configFile: string,
  { maxTokens, prompt }: Pick<TextLimits, 'maxTokens'> & { prompt: string },
): Promise<number | undefined> {
  const config = await readJson(configFile, Config);
  const limit = statedLimit(config, maxTokens);
  if (limit === undefined) return undefined;
  const library = await readLibrary(tokenizerFile, config);
  const { before, after } = inFile(tokenizerFile, () => specialTokens(library));
  const ofPrompt = library.encode(prompt, { add_special_tokens: false }).ids.length;
  const most = limit - before.length - after.length - ofPrompt;
  return inFile(configFile, () => {
    if (most < 1) throw new Error(`model_max_length: ${limit} tokens leave no room for words`);
    return most;
  });
}

/** How many tokens a model reads, as the files of its tokenizer say it. */
function statedLimit(config: Config, maxTokens = Number.POSITIVE_INFINITY): number | undefined {
  const stated = Math.min(config.model_max_length ?? Number.POSITIVE_INFINITY, maxTokens);
  return stated < MAX_KNOWN_TOKENS ? stated : classOf(config)?.maxTokens;
}

const nameOfClass = ({ tokenizer_class }: Config) => tokenizer_class?.replace(/Fast$/, '') ?? '';
const classOf = (config: Config) => CLASSES[nameOfClass(config)];

/** Without a mask, the graph takes padding for words, so it gets rows as long as in its training. */
function lengthsOf(
  config: Config,
  { fixedTokens, hasMask }: Pick<TokenInputs, 'fixedTokens' | 'hasMask'>,
  limits: TextLimits,
) {
  const name = nameOfClass(config);
  const known = classOf(config);
  const none = Number.POSITIVE_INFINITY;
  const maxTokens = Math.min(statedLimit(config, limits.maxTokens) ?? none, fixedTokens ?? none);
  if (maxTokens === none)
    throw new Error('model_max_length: missing. Write how many tokens the model reads into the file');
  if (!hasMask && known === undefined)
    throw new Error(
      `tokenizer_class: how ${name || 'this tokenizer'} pads is not known, and the graph takes no attention_mask. ` +
        `Export the graph with one. Known are ${Object.keys(CLASSES).join(', ')}`,
    );
  if (hasMask && known?.readsPadding)
    throw new Error(`tokenizer_class: ${name} needs a graph without attention_mask, as the model reads its padding`);
  return {
    maxTokens,
    toTokens: fixedTokens ?? (hasMask ? undefined : maxTokens),
    lowercases: limits.lowercases === true || (known?.readsPadding === true && config.do_lower_case !== false),
  };
}

/** Stands for the words where the special tokens around them are asked for. It is no token of any vocabulary. */
const WORDS = '\u0000words';

/** The tokens that the tokenizer puts before and after the words. */
function specialTokens(library: Library): { before: number[]; after: number[] } {
  const all = library.post_processor?.post_process([WORDS], null, true).tokens ?? [WORDS];
  const at = all.indexOf(WORDS);
  const idOf = (token: string) => {
    const id = library.token_to_id(token);
    if (id === undefined) throw new Error(`post_processor: the vocabulary has no "${token}"`);
    return id;
  };
  return { before: all.slice(0, at).map(idOf), after: all.slice(at + 1).map(idOf) };
}
