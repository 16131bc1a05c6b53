import { expect, onTestFinished, test } from 'vitest';
import { createMonitor, type Monitor } from '../../api/backends/monitor.ts';
import { UserError } from '../../core/errors.ts';

/** A monitor of a server that answers as told. */
function monitored() {
  const server = {
    answer: async () => {},
    /** Whether the server counted as ready when a probe began, for each probe since the answer was last changed. */
    readyAt: [] as boolean[],
    answers(answer: () => Promise<void>) {
      server.readyAt = [];
      server.answer = answer;
    },
  };
  let monitor: Monitor | undefined;
  const probe = async () => {
    server.readyAt.push(monitor?.ready ?? false);
    await server.answer();
  };
  const created = createMonitor(probe, 100, { answered: 50, missed: 20 });
  monitor = created;
  onTestFinished(() => created.stop());
  return { server, monitor: created };
}

const refuse = () => Promise.reject(new Error('connect ECONNREFUSED'));
const hang = () => new Promise<void>(() => {});
const probed = async (server: { readyAt: boolean[] }, times: number) => {
  await expect.poll(() => server.readyAt.length).toBeGreaterThanOrEqual(times);
  return server.readyAt.slice(0, times);
};

test.each([
  ['refuses', refuse],
  ['hangs', hang],
])('a server that %s is away after three probes, and back after one', async (_, answer) => {
  const { server, monitor } = monitored();
  await monitor.untilReady();

  server.answers(answer);
  expect(await probed(server, 4)).toEqual([true, true, true, false]);

  server.answers(async () => {});
  await monitor.untilReady();
  expect(await probed(server, 2)).toEqual([false, true]);
});

test('a server that misses a probe or two stays ready', async () => {
  const { server, monitor } = monitored();
  await monitor.untilReady();

  let misses = 0;
  server.answers(async () => {
    misses += 1;
    if (misses % 3 !== 0) await refuse();
  });
  expect(await probed(server, 7)).toEqual(Array(7).fill(true));
});

test('what waiting can not mend is told at once, with its reason', async () => {
  const { server, monitor } = monitored();
  await monitor.untilReady();

  server.answers(() => Promise.reject(new UserError('SchemaTooNew', 'The database is newer.')));
  expect(await probed(server, 2)).toEqual([true, false]);
  expect(monitor.reason).toBe('The database is newer.');
});
