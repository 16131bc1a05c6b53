import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { lazyTemporal } from '../../client/connect.ts';

// Nothing answers there, so each call is retried until its deadline.
const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONFIG_FILE: join(tmpdir(), 'plimsoll-no-such.toml') };

/** Keeps this process from running its timers, as a busy machine does. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('a connection that closes while its calls wait for a retry fails them, and none is retried afterwards', async () => {
  const connections = Array.from({ length: 40 }, () => lazyTemporal(env));
  const calls = connections.flatMap(({ connection }) =>
    Array.from({ length: 3 }, () =>
      connection.withDeadline(Date.now() + 60_000, () => connection.workflowService.getSystemInfo({})),
    ),
  );
  const settled = Promise.allSettled(calls);

  // The closings are spread over the waits, which take 100 ms and more.
  for (const { close } of connections) {
    await delay(10);
    block(20);
    void close();
  }

  // A retry on a closed channel throws from a timer, and its call never settles.
  for (const { status } of await settled) expect(status).toBe('rejected');
}, 60_000);
