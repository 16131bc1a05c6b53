/** CLIP's tokenizer as transformers saves it, with the real vocabulary. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fetchWheelFile } from '../../support/wheel-file.ts';

/** OpenAI's file of merges. It is too large for the repository. */
const MERGES = {
  requirement: 'open_clip_torch==3.3.0',
  wheel: 'open_clip_torch-3.3.0-py3-none-any.whl',
  sha256: 'c549ad5ed6bfc119cc11105033c0a2b9d7a2a4afeb40a58a09aab3da1a0043ce',
  member: 'open_clip/bpe_simple_vocab_16e6.txt.gz',
};

/** The file's first line is a comment, and the last lines are not used: the vocabulary has 49,152 tokens and 256 more. */
const MERGES_COUNT = 49_152 - 256 - 2;

const FIXTURES = join(import.meta.dirname, 'clip');

/**
 * Writes tokenizer.json and tokenizer_config.json into a folder. The vocabulary is made of the merges as
 * clip/make-expected.py does.
 *
 * @throws Unavailable if the merges can't be fetched
 */
export async function writeClipTokenizer(folder: string): Promise<void> {
  const lines = gunzipSync(await readFile(await fetchWheelFile(MERGES)))
    .toString()
    .split('\n');
  const merges = lines.slice(1, 1 + MERGES_COUNT);
  const letters = bytesAsCharacters();
  const tokens = [
    ...letters,
    ...letters.map((letter) => `${letter}</w>`),
    ...merges.map((merge) => merge.replace(' ', '')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  const tokenizer = JSON.parse(await readFile(join(FIXTURES, 'tokenizer.json'), 'utf8'));
  tokenizer.model.vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  tokenizer.model.merges = merges;
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'tokenizer_config.json'), await readFile(join(FIXTURES, 'tokenizer_config.json')));
}

/** The characters that byte-level BPE writes bytes with, in the order of its vocabulary. */
function bytesAsCharacters(): string[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const printable = bytes.filter(isPrintable).map((byte) => String.fromCharCode(byte));
  const others = bytes.filter((byte) => !isPrintable(byte)).map((_, n) => String.fromCharCode(256 + n));
  return [...printable, ...others];
}
