import { timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hashOfToken } from '../../core/api-tokens.ts';
import { UserError } from '../../core/errors.ts';
import type { Scope } from '../schemas/server.ts';

/** A token as the server stores it: only its hash. */
export interface TokenRecord {
  scope: Scope;
  /** SHA-256, 32 bytes. */
  hash: Buffer;
}

const SETTINGS = ['PLIMSOLL_API_TOKENS_FILE', 'PLIMSOLL_API_TOKENS'] as const;
const LINE = /^(read|operate):sha256:([0-9a-f]{64})$/;

/**
 * Reads the tokens of PLIMSOLL_API_TOKENS (lines separated by spaces or commas) and of the file that
 * PLIMSOLL_API_TOKENS_FILE names, in which `#` starts a comment. If one of them is set, there must be a token: an empty
 * file or variable must not let everybody in.
 *
 * @throws UserError InvalidSetting
 */
export async function readTokens(env: NodeJS.ProcessEnv): Promise<TokenRecord[]> {
  const file = env.PLIMSOLL_API_TOKENS_FILE;
  const ofFile = file ? await linesOf(file) : [];
  const ofEnv = (env.PLIMSOLL_API_TOKENS ?? '').split(/[\s,]+/);
  const tokens = [...ofFile, ...ofEnv].filter((line) => line !== '').map(parse);
  const set = SETTINGS.filter((name) => env[name] !== undefined);
  if (tokens.length > 0 || set.length === 0) return tokens;
  throw new UserError(
    'InvalidSetting',
    `${set.join(' and ')}: set, but without a token, so nobody could call. Put in a line that "plimsoll token create --scope operate" prints, or unset it.`,
  );
}

async function linesOf(file: string): Promise<string[]> {
  try {
    const text = await readFile(file, 'utf8');
    return text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  } catch (error) {
    throw new UserError('InvalidSetting', `PLIMSOLL_API_TOKENS_FILE: ${(error as Error).message}`, { cause: error });
  }
}

function parse(line: string): TokenRecord {
  const match = LINE.exec(line);
  if (match === null)
    throw new UserError(
      'InvalidSetting',
      `A token's line must be "read:sha256:..." or "operate:sha256:...", as "plimsoll token create" prints it. One is not: ${line.slice(0, 14)}…`,
    );
  return { scope: match[1] as Scope, hash: Buffer.from(match[2] as string, 'hex') };
}

/** The scope of a token; undefined if it is unknown. */
export const scopeOf = (token: string, records: readonly TokenRecord[]): Scope | undefined =>
  scopeOfHash(hashOfToken(token), records);

/** The scope of the token with this hash; undefined if it is unknown. Takes constant time, whichever record matches. */
export function scopeOfHash(hash: Buffer, records: readonly TokenRecord[]): Scope | undefined {
  let scope: Scope | undefined;
  for (const record of records) {
    if (timingSafeEqual(hash, record.hash) && scope !== 'operate') scope = record.scope;
  }
  return scope;
}
