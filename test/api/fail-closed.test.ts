import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { createToken } from '../../core/api-tokens.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-tokens-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['nothing', ''],
  ['remarks alone', '# read:sha256:nobody\n\n'],
])('a file of tokens that holds %s lets nobody in, rather than everybody', async (_name, text) => {
  const file = join(folder, 'tokens');
  await writeFile(file, text);
  await expect(readTokens({ PLIMSOLL_API_TOKENS_FILE: file })).rejects.toMatchObject({ code: 'InvalidSetting' });
});

test.each(['', ' ', ',\n'])('so does a variable of tokens that holds "%s"', async (text) => {
  await expect(readTokens({ PLIMSOLL_API_TOKENS: text })).rejects.toMatchObject({ code: 'InvalidSetting' });
});

test('a file that is named by nothing is a mistake as well', async () => {
  await expect(readTokens({ PLIMSOLL_API_TOKENS_FILE: '' })).rejects.toMatchObject({ code: 'InvalidSetting' });
});

test('one of the two is enough, and where neither is set there are none', async () => {
  const { line } = createToken('read');
  expect(await readTokens({ PLIMSOLL_API_TOKENS: line, PLIMSOLL_API_TOKENS_FILE: '' })).toHaveLength(1);
  expect(await readTokens({})).toEqual([]);
});
