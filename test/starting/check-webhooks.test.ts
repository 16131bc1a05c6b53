import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkWebhooks } from '../../cli/starting/check-webhooks.ts';
import { SECRET } from '../webhooks/receiver.ts';

const check = async (url: string, webhookEnv?: NodeJS.ProcessEnv) => {
  const notes: string[] = [];
  await checkWebhooks(
    [{ url: 'https://example.com/ok' }, { url }],
    { webhookEnv },
    { note: (line) => notes.push(line) },
  );
  return notes;
};

describe('where the workers may be anywhere', () => {
  it.each(['http://10.0.0.1/x', 'https://localhost/x', 'https://[::1]:8443/x', 'http://example.com/x'])(
    'a webhook that they refuse unless they are told otherwise is noted: %s',
    async (url) => {
      const [note, ...more] = await check(url);

      expect(note).toContain(`(PLIMSOLL_WEBHOOK_ALLOW=${new URL(url).hostname}`);
      expect(more).toEqual([]);
    },
  );

  it('the note says in a sentence what the address is', async () => {
    expect(await check('http://127.0.0.1:8080/x')).toEqual([
      'note: http://127.0.0.1:8080 is a loopback address; the job works only if its worker allows it (PLIMSOLL_WEBHOOK_ALLOW=127.0.0.1:8080).',
    ]);
  });
});

describe('where the workers are those of a local stack', () => {
  let folder: string;
  let secrets: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plimsoll-check-webhooks-'));
    secrets = join(folder, 'secrets.json');
    await writeFile(secrets, JSON.stringify({ default: SECRET }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('nothing is said of a webhook that they take', async () => {
    const env = { PLIMSOLL_WEBHOOK_SECRETS: secrets, PLIMSOLL_WEBHOOK_ALLOW: '127.0.0.1:8080' };
    expect(await check('http://127.0.0.1:8080/x', env)).toEqual([]);
  });

  it('a secret that they do not know is an error before any job', async () => {
    await expect(check('https://example.com/x', {})).rejects.toMatchObject({ code: 'UnknownWebhookSecret' });
  });

  it('so is a target that they do not allow', async () => {
    const env = { PLIMSOLL_WEBHOOK_SECRETS: secrets };
    await expect(check('http://127.0.0.1:8080/x', env)).rejects.toMatchObject({ code: 'WebhookTargetRefused' });
  });
});
