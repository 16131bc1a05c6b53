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

/** What the dataset stores, as its type. */
export const chunkChoicesOf = (stored: ExpansionChoices | undefined): ChunkChoices =>
  (stored as ChunkChoices | undefined) ?? { ...DEFAULTS.tokens, unit: 'tokens' };

/**
 * Decides how documents are cut. The first load decides; a later one may ask for the same, or for anything if it reads
 * every file again.
 *
 * @param hasTokenizer whether a model has a tokenizer; it throws if the model is not on this machine
 * @throws UserError ChunksDiffer, ModelNotFound, ModelInvalid
 */
export async function chooseChunks(
  { chunks: asked = {}, model, reread, dataset, include, exclude }: ExpandingLoad,
  stored: ExpansionChoices | undefined,
  hasTokenizer: (model: string) => Promise<boolean>,
): Promise<ExpansionChoices> {
  const before = stored === undefined ? undefined : chunkChoicesOf(stored);
  const unit = asked.unit ?? before?.unit ?? 'tokens';
  const rest = before?.unit === unit ? before : DEFAULTS[unit];
  const size = asked.size ?? rest.size;
  const overlap = asked.overlap ?? Math.min(rest.overlap, Math.floor(size / 2));
  const tokensOf =
    before?.unit === unit ? before.tokens_of : unit === 'tokens' && (await hasTokenizer(model)) ? model : undefined;
  const chosen: ChunkChoices = { size, overlap, unit, ...(tokensOf === undefined ? {} : { tokens_of: tokensOf }) };
  const readsAll = reread && include.length === 0 && exclude.length === 0;
  if (before === undefined || readsAll || isSame(before, chosen)) return { ...chosen };
  throw new UserError(
    'ChunksDiffer',
    `${dataset} has chunks of ${inWords(before)}, and this load asks for ${inWords(chosen)}. ` +
      'Leave the option out, load into another dataset, or cut all documents anew with --reread and no --include or --exclude.',
  );
}

const isSame = (a: ChunkChoices, b: ChunkChoices) => a.size === b.size && a.overlap === b.overlap && a.unit === b.unit;

const inWords = ({ size, overlap, unit }: ChunkChoices) => `${size} ${unit} with an overlap of ${overlap}`;
