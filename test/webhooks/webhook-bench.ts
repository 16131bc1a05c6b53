import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webhooksFromEnvironment } from '../../core/webhooks/config.ts';
import { openWorkbench, type Workbench, type WorkbenchOptions } from '../support/workbench.ts';
import { type Answer, type Receiver, SECRET, startReceiver } from './receiver.ts';

export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;

export interface WebhookBench {
  bench: Workbench;
  receiver: Receiver;
  /** Rewrites the workers' file of secrets. Without `text` it gets its first content. */
  writeSecrets(text?: string): Promise<void>;
  /** Makes every try hang at its start, as in an overloaded worker, until the returned function is called. */
  freeze(): () => void;
  stop(): Promise<void>;
}

/** A workbench that knows the secrets `default` and `other`, and may post to one receiver. */
export async function openWebhookBench(answer: Answer, roles: WorkbenchOptions['roles'] = []): Promise<WebhookBench> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-secrets-'));
  const file = join(folder, 'secrets.json');
  const writeSecrets = (text = JSON.stringify({ default: SECRET, other: OTHER_SECRET })) => writeFile(file, text);
  await writeSecrets();
  const receiver = await startReceiver(answer);
  const config = webhooksFromEnvironment({ PLIMSOLL_WEBHOOK_SECRETS: file, PLIMSOLL_WEBHOOK_ALLOW: receiver.address });
  let thawed = Promise.resolve();
  const secrets = async (name: string) => {
    await thawed;
    return config.secrets(name);
  };
  const bench = await openWorkbench({ roles, plugin: { webhooks: { ...config, secrets } } });
  return {
    bench,
    receiver,
    writeSecrets,
    freeze() {
      const { promise, resolve } = Promise.withResolvers<void>();
      thawed = promise;
      return resolve;
    },
    async stop() {
      await bench.stop();
      await receiver.stop();
      await rm(folder, { recursive: true });
    },
  };
}
