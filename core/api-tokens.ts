import { createHash, randomBytes } from 'node:crypto';

/** The rights of a token: `read` reads, `operate` also changes and starts things. */
export type TokenScope = 'read' | 'operate';

const PREFIX = 'plimsoll_';

/** SHA-256, 32 bytes. Tokens have 256 random bits, so a fast hash is safe. */
export const hashOfToken = (token: string): Buffer => createHash('sha256').update(token).digest();

/** A new token for the HTTP API, and the line that makes a server accept it. */
export function createToken(scope: TokenScope): { token: string; line: string } {
  const token = newToken();
  return { token, line: tokenLine(token, scope) };
}

export const newToken = (): string => `${PREFIX}${randomBytes(32).toString('base64url')}`;

/** The line of PLIMSOLL_API_TOKENS that makes a server accept a token. It holds only the token's hash. */
export const tokenLine = (token: string, scope: TokenScope): string =>
  `${scope}:sha256:${hashOfToken(token).toString('hex')}`;
