import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../errors.ts';

/** What the Standard Webhooks specification asks of a key. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

const secretsFile = z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1).max(5)]));

/** The signing secrets of a name, the newest first; undefined where there is no such name. */
export type SecretReader = (name: string) => Promise<string[] | undefined>;

/** Knows no secret. */
export const noSecrets: SecretReader = async () => undefined;

/**
 * Reads `{"name": "whsec_…"}` from a JSON file, or `{"name": ["whsec_new…", "whsec_old…"]}` while a secret is being changed.
 * The file is read whenever a secret is needed, so that a change of it needs no restart. No message holds a secret.
 *
 * @throws UserError InvalidWebhookSecrets, from the reader, where the file or the secret can't be used
 */
export function secretsFromFile(path: string): SecretReader {
  return async function readSecrets(name) {
    const secrets = parse(path, await read(path));
    if (!Object.hasOwn(secrets, name)) return undefined;
    const found = [secrets[name] ?? []].flat();
    for (const secret of found) checkSecret(path, name, secret);
    return found;
  };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new UserError(
      'InvalidWebhookSecrets',
      `PLIMSOLL_WEBHOOK_SECRETS: the worker can't read ${path} (${reason}).`,
    );
  }
}

/** Of a JSON or schema error nothing is passed on: either can quote a part of the file. */
function parse(path: string, text: string): z.output<typeof secretsFile> {
  try {
    return secretsFile.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      'InvalidWebhookSecrets',
      `PLIMSOLL_WEBHOOK_SECRETS: ${path} must hold a JSON object of names and secrets, as in {"default": "whsec_…"}.`,
    );
  }
}

function checkSecret(path: string, name: string, secret: string): void {
  const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  const bytes = Buffer.from(key ?? '', 'base64');
  const isBase64 = key !== undefined && key.length % 4 === 0 && bytes.toString('base64') === key;
  if (isBase64 && bytes.length >= MIN_KEY_BYTES && bytes.length <= MAX_KEY_BYTES) return;
  throw new UserError(
    'InvalidWebhookSecrets',
    `PLIMSOLL_WEBHOOK_SECRETS: the secret "${name}" in ${path} must be "whsec_" and ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} random bytes in base64. ` +
      'Make one: echo "whsec_$(openssl rand -base64 32)"',
  );
}
