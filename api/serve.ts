/** The API server's process. As a member of `plimsoll up`, it sends the stack a message once it listens. */

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { settingsFrom } from './settings.ts';
import { startApi } from './start-server.ts';

/** How long the first probes of MongoDB and Temporal may hold up the message. */
const FIRST_PROBES_MS = 5000;

const { values } = parseArgs({ options: { host: { type: 'string' }, port: { type: 'string' } } });

try {
  const port = values.port ?? process.env.PLIMSOLL_API_PORT;
  const settings = await settingsFrom(process.env, {
    host: values.host ?? process.env.PLIMSOLL_API_HOST,
    port: port === undefined ? undefined : Number(port),
  });
  const api = await startApi(settings);
  if (process.send === undefined) console.error(`Plimsoll listens at ${api.url}`);
  else {
    // The servers of a stack run by now, so its first caller shall find them. Those of others may be away.
    const { mongodb, temporal } = api.context.backends;
    const answers = Promise.all([mongodb.untilReady(), temporal.untilReady()]);
    await Promise.race([answers, delay(FIRST_PROBES_MS, undefined, { ref: false })]);
    process.send({ type: 'ready', url: api.url });
  }
  const stop = () => void api.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // The server ends with its stack, even if the stack was killed.
  process.once('disconnect', stop);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
