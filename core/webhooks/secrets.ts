import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../errors.ts';

/** The minimum key length in the Standard Webhooks specification. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

const secretsFile = z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1).max(5)]));

/** Reads the signing secrets with a name, newest first. Undefined if the name is unknown. */
export type SecretReader = (name: string) => Promise<string[] | undefined>;

/** A reader without secrets. */
export const noSecrets: SecretReader = async () => undefined;

/**
 * Reads `{"name": "whsec_…"}` from a JSON file, or `{"name": ["whsec_new…", "whsec_old…"]}` during a rotation. The file
 * is read at each use, so a change needs no restart. Messages never contain a secret.
 *
 * @throws UserError InvalidWebhookSecrets, from the reader, when the file or the secret is invalid
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

/** Hides the details of JSON and schema errors, because they can quote the file. */
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
    `PLIMSOLL_WEBHOOK_SECRETS: the secret "${name}" in ${path} must be "whsec_" ` +
      `and ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} random bytes in base64. ` +
      'Make one: echo "whsec_$(openssl rand -base64 32)"',
  );
}
