import { UserError } from '../../errors.ts';
import type { ExpandingLoad, ExpansionChoices } from '../medium.ts';
import type { Chunking } from './chunk/chunking.ts';

/** How the documents of a dataset are cut, as the dataset stores it. */
export interface ChunkChoices extends Omit<Chunking, 'tokenizer'> {
  /** The model whose tokens are counted. Absent if they are estimated, or characters are counted. */
  tokens_of?: string;
}

const DEFAULTS = {
  // MiniLM and its kin read 256 tokens, two of them special ones.
  tokens: { size: 240, overlap: 32 },
  characters: { size: 800, overlap: 100 },
} as const;

/** The tokenizer of a model. */
export interface ModelTokenizer {
  /** How many tokens of a chunk the model reads; undefined if its files do not say. */
  mostWords: number | undefined;
}

/** The stored choices, as their type. */
export const chunkChoicesOf = (stored: ExpansionChoices | undefined): ChunkChoices =>
  (stored as ChunkChoices | undefined) ?? { ...DEFAULTS.tokens, unit: 'tokens' };

/**
 * Decides how documents are cut. The first load decides; a later one may ask for the same, or for anything if it reads
 * every file again.
 *
 * @param tokenizerOf the tokenizer of a model, if it has one; throws if the model is not on this machine
 * @throws UserError ChunksDiffer, InvalidInput, ModelNotFound, ModelInvalid
 */
export async function chooseChunks(
  { chunks: asked = {}, model, reread, dataset, include, exclude }: ExpandingLoad,
  stored: ExpansionChoices | undefined,
  tokenizerOf: (model: string) => Promise<ModelTokenizer | undefined>,
): Promise<ExpansionChoices> {
  const before = stored === undefined ? undefined : chunkChoicesOf(stored);
  const unit = asked.unit ?? before?.unit ?? 'tokens';
  const kept = before?.unit === unit ? before : undefined;
  const rest = kept ?? DEFAULTS[unit];
  const counting = kept === undefined ? (unit === 'tokens' ? model : undefined) : kept.tokens_of;
  // A load that keeps the size does not need the model here.
  const keepsSize = kept !== undefined && (asked.size ?? kept.size) === kept.size;
  const tokenizer = counting === undefined || keepsSize ? undefined : await tokenizerOf(counting);
  const most = tokenizer?.mostWords ?? Number.POSITIVE_INFINITY;
  const size = asked.size ?? Math.min(rest.size, most);
  if (size > most) throw tooLong(counting as string, size, most);
  const overlap = asked.overlap ?? Math.min(rest.overlap, Math.floor(size / 2));
  const tokensOf = keepsSize || tokenizer !== undefined ? counting : undefined;
  const chosen: ChunkChoices = { size, overlap, unit, ...(tokensOf === undefined ? {} : { tokens_of: tokensOf }) };
  const readsAll = reread && include.length === 0 && exclude.length === 0;
  if (before === undefined || readsAll || isSame(before, chosen)) return { ...chosen };
  throw new UserError(
    'ChunksDiffer',
    `${dataset} has chunks of ${inWords(before)}, and this load asks for ${inWords(chosen)}. ` +
      'Leave the option out, load into another dataset, or cut all documents anew with --reread and no --include or --exclude.',
  );
}

const tooLong = (model: string, size: number, most: number) =>
  new UserError(
    'InvalidInput',
    `${model} reads ${most} tokens of a chunk, and would not see the rest of one of ${size}. ` +
      `Give --chunk-size ${most} or less.`,
    { fields: ['chunks'] },
  );

const isSame = (a: ChunkChoices, b: ChunkChoices) => a.size === b.size && a.overlap === b.overlap && a.unit === b.unit;

const inWords = ({ size, overlap, unit }: ChunkChoices) => `${size} ${unit} with an overlap of ${overlap}`;
