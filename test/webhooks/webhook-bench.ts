import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorkbench, type Workbench, type WorkbenchOptions } from '../support/workbench.ts';
import { type Answer, type Receiver, SECRET, startReceiver } from './receiver.ts';

export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;

export interface WebhookBench {
  bench: Workbench;
  receiver: Receiver;
  stop(): Promise<void>;
}

/** A workbench that knows the secrets `default` and `other`, and may post to one receiver. */
export async function openWebhookBench(answer: Answer, roles: WorkbenchOptions['roles'] = []): Promise<WebhookBench> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-secrets-'));
  const secrets = join(folder, 'secrets.json');
  await writeFile(secrets, JSON.stringify({ default: SECRET, other: OTHER_SECRET }));
  const receiver = await startReceiver(answer);
  const env = { PLIMSOLL_WEBHOOK_SECRETS: secrets, PLIMSOLL_WEBHOOK_ALLOW: receiver.address };
  const bench = await openWorkbench({ roles, env });
  return {
    bench,
    receiver,
    async stop() {
      await bench.stop();
      await receiver.stop();
      await rm(folder, { recursive: true });
    },
  };
}
