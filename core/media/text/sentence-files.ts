/** The files of sentence-transformers that say how its models take texts. */
import * as z from 'zod';
import type { Pooling } from '../preparation.ts';
import { inFile, readJson } from './json-file.ts';
import type { TextLimits } from './tokenizer.ts';

const LIMITS = 'sentence_bert_config.json';
const POOLING = '1_Pooling/config.json';
const PROMPTS = 'config_sentence_transformers.json';

/** Their names in a model's folder. */
export const SENTENCE_FILES: readonly string[] = [LIMITS, POOLING, PROMPTS];

/** How a model of sentence-transformers takes texts. */
export interface SentenceSettings extends TextLimits {
  pooling: Pooling;
  /** Words that stand before a query, and before a text to be found. */
  prompts: { query: string; passage: string };
}

const limits = z.looseObject({
  max_seq_length: z.int().positive().nullish(),
  do_lower_case: z.boolean().nullish(),
});

const MODE = 'pooling_mode_';
/** Newer versions write the mode as one word, older ones a flag for each mode. */
const poolings = z.looseObject({ pooling_mode: z.string().nullish(), include_prompt: z.boolean().nullish() });

const prompts = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
});

/** The names that sentence-transformers looks for, best first. */
const QUERY = ['query'];
const PASSAGE = ['document', 'passage', 'corpus'];

/**
 * Reads those of the files that a model has, given as paths by name. Without them, the mean of all tokens is the vector,
 * and nothing stands before a text.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readSentenceFiles(files: Readonly<Partial<Record<string, string>>>): Promise<SentenceSettings> {
  const read = { query: '', passage: '' };
  const [limitsFile, poolingFile, promptsFile] = [files[LIMITS], files[POOLING], files[PROMPTS]];
  const { max_seq_length, do_lower_case } = limitsFile === undefined ? {} : await readJson(limitsFile, limits);
  if (promptsFile !== undefined) {
    const json = await readJson(promptsFile, prompts);
    read.query = promptOf(promptsFile, json, QUERY);
    read.passage = promptOf(promptsFile, json, PASSAGE);
  }
  const hasPrompts = read.query !== '' || read.passage !== '';
  return {
    maxTokens: max_seq_length ?? undefined,
    lowercases: do_lower_case ?? undefined,
    pooling: poolingFile === undefined ? 'mean' : await readPooling(poolingFile, hasPrompts),
    prompts: read,
  };
}

function promptOf(
  file: string,
  { prompts: known, default_prompt_name: fallback }: z.infer<typeof prompts>,
  names: readonly string[],
): string {
  const name = names.find((each) => known?.[each] !== undefined) ?? fallback ?? undefined;
  if (name === undefined) return '';
  const prompt = known?.[name];
  if (prompt !== undefined) return prompt;
  return inFile(file, () => {
    throw new Error(`default_prompt_name: prompts has no "${name}"`);
  });
}

async function readPooling(file: string, hasPrompts: boolean): Promise<Pooling> {
  const json = await readJson(file, poolings);
  const flags = Object.keys(json).filter((key) => key.startsWith(MODE) && json[key] === true);
  const modes = json.pooling_mode == null ? flags.map(modeOf) : [json.pooling_mode];
  return inFile(file, () => {
    if (json.include_prompt === false && hasPrompts)
      throw new Error('include_prompt: a mean without the tokens of the prompt is not supported');
    const [mode, another] = modes;
    if ((mode === 'cls' || mode === 'mean') && another === undefined) return mode;
    throw new Error(`pooling_mode: ${modes.join(' and ') || 'none'}; cls or mean is supported`);
  });
}

/** `pooling_mode_mean_tokens` means `mean`. */
const modeOf = (flag: string) => flag.slice(MODE.length).replace(/_tokens?$/, '');
