import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkWebhooks } from '../../core/webhooks/check.ts';
import { webhooksFromEnvironment } from '../../core/webhooks/config.ts';
import { SECRET } from './receiver.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-secrets-'));
  file = join(folder, 'secrets.json');
});
afterAll(() => rm(folder, { recursive: true }));

const check = (secret: string) =>
  checkWebhooks(webhooksFromEnvironment({ PLIMSOLL_WEBHOOK_SECRETS: file }), [{ url: 'https://example.com/', secret }]);
const failure = (secret: string) =>
  check(secret).then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );

describe('the signing secrets of webhooks', () => {
  it('are found by name, and anew after the file has changed', async () => {
    await writeFile(file, JSON.stringify({ default: SECRET }));
    expect(await failure('default')).toBeUndefined();
    expect(await failure('other')).toMatchObject({ code: 'UnknownWebhookSecret' });
    await writeFile(file, JSON.stringify({ default: SECRET, other: [SECRET, SECRET] }));
    expect(await failure('other')).toBeUndefined();
  });

  it('are unknown where none are configured', async () => {
    const webhooks = [{ url: 'https://example.com/', secret: 'default' }];
    await expect(checkWebhooks(undefined, webhooks)).rejects.toMatchObject({ code: 'UnknownWebhookSecret' });
    await expect(checkWebhooks(undefined, [])).resolves.toBeUndefined();
  });

  it.each(['constructor', '__proto__', 'toString'])('are not what every object has: %s', async (name) => {
    await writeFile(file, '{}');
    expect(await failure(name)).toMatchObject({ code: 'UnknownWebhookSecret' });
  });

  it.each([
    ['without the prefix', SECRET.slice('whsec_'.length)],
    ['not in base64', 'whsec_ohne-base64-ohne-base64-ohne-base64!'],
    ['too short', `whsec_${Buffer.alloc(23, 1).toString('base64')}`],
    ['too long', `whsec_${Buffer.alloc(65, 1).toString('base64')}`],
    ['of another kind', `whsk_${Buffer.alloc(32, 1).toString('base64')}`],
  ])('are refused when %s, and not repeated', async (_, secret) => {
    await writeFile(file, JSON.stringify({ default: secret }));
    const error = await failure('default');
    expect(error).toMatchObject({ code: 'InvalidWebhookSecrets', message: expect.stringContaining('"default"') });
    expect(error?.message).not.toContain(secret);
  });

  it.each([
    ['no JSON', `{"default": "${SECRET}"`],
    ['no object of strings', `{"default": {"key": "${SECRET}"}}`],
    ['a list', `["${SECRET}"]`],
  ])('are refused in a file that holds %s, of which nothing is repeated', async (_, text) => {
    await writeFile(file, text);
    const error = await failure('default');
    expect(error).toMatchObject({ code: 'InvalidWebhookSecrets', message: expect.stringContaining(file) });
    expect(error?.stack).not.toContain(SECRET);
    expect(error?.cause).toBeUndefined();
  });

  it('are refused where the file is not there', async () => {
    await rm(file, { force: true });
    expect(await failure('default')).toMatchObject({
      code: 'InvalidWebhookSecrets',
      message: expect.stringContaining('ENOENT'),
    });
  });
});
