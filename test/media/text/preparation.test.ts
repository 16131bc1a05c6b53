import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPreparation } from '../../../core/media/text/preparation.ts';
import { temporaryFolder } from '../../inference/tiny-models.ts';
import { idsOf, LETTERS, LETTERS_CONFIG, writeTokenizer } from './letters.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

async function prepare(value: unknown, tokenizer: object = LETTERS) {
  const { prepare } = await openPreparation({
    graphFile: 'text_model.onnx',
    files: await writeTokenizer(folder, tokenizer, LETTERS_CONFIG),
    inputs: ['input_ids', 'attention_mask'].map((name) => ({ name, type: 'int64', shape: ['batch', 'tokens'] })),
    options: null,
  });
  return prepare(value);
}

test('a text becomes tokens', async () => {
  expect(await prepare('ab')).toEqual(idsOf('<s>', 'a', 'b', '</s>'));
});

test.each(['', ' \n\u3000'])('the text %j holds no words', async (value) => {
  await expect(prepare(value)).rejects.toMatchObject({ code: 'empty_text' });
});

test('a text that leaves no tokens holds no words', async () => {
  const bare = { ...LETTERS, post_processor: null };
  await expect(prepare('?!', bare)).rejects.toMatchObject({ code: 'empty_text' });
  expect(await prepare('?!')).toEqual(idsOf('<s>', '</s>'));
});

test.each([7, { text: 'ab' }])('%j is no text', async (value) => {
  await expect(prepare(value)).rejects.toThrow('Words are encoded from a text.');
});
