import { expect, it } from 'vitest';
import { readTokens, scopeOf } from '../../api/auth/tokens.ts';
import { createToken } from '../../core/api-tokens.ts';

it.each([
  ['read', 'operate'],
  ['operate', 'read'],
])('a token that is listed for %s and for %s may operate', async (...scopes) => {
  const { token, line } = createToken('read');
  const lines = scopes.map((scope) => line.replace('read', scope));
  const tokens = await readTokens({ PLIMSOLL_API_TOKENS: lines.join(' ') });
  expect(scopeOf(token, tokens)).toBe('operate');
});

it('a token that is not listed has no scope', async () => {
  const tokens = await readTokens({ PLIMSOLL_API_TOKENS: createToken('operate').line });
  expect(scopeOf(createToken('operate').token, tokens)).toBeUndefined();
});
