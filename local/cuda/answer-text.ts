import { UserError } from '../../core/errors.ts';
import type { Answer } from '../download/connection.ts';

const MOST_BYTES = 32 * 1024 * 1024;

/** Reads an answer to its end. @throws UserError PackageInvalid if it is too large */
export async function textOf({ chunks }: Answer, address: string): Promise<string> {
  const received: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks()) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new UserError('PackageInvalid', `The answer of ${address} is too large.`);
    received.push(chunk);
  }
  return Buffer.concat(received).toString();
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
