import { expect, onTestFinished, test } from 'vitest';
import { createMonitor } from '../../api/backends/monitor.ts';
import { UserError } from '../../core/errors.ts';

/** A monitor of a server that answers as told. `probes` says how often it was asked. */
function monitored() {
  const server = { answer: async () => {}, probes: 0 };
  const monitor = createMonitor(async () => {
    server.probes += 1;
    await server.answer();
  }, 100);
  onTestFinished(() => monitor.stop());
  return { server, monitor };
}

const refuse = () => Promise.reject(new Error('connect ECONNREFUSED'));
const hang = () => new Promise<void>(() => {});

test.each([
  ['refuses', refuse],
  ['hangs', hang],
])('a server that %s is away after three probes, and back after one', async (_, answer) => {
  const { server, monitor } = monitored();
  await monitor.untilReady();

  server.answer = answer;
  const before = server.probes;
  await expect.poll(() => monitor.ready, { interval: 5 }).toBe(false);
  expect(server.probes - before).toBe(3);

  server.answer = async () => {};
  await monitor.untilReady();
  expect(monitor.ready).toBe(true);
});

test('a server that misses a probe or two stays ready', async () => {
  const { server, monitor } = monitored();
  await monitor.untilReady();

  let misses = 2;
  server.answer = async () => {
    misses -= 1;
    if (misses >= 0) await refuse();
  };
  const seen = new Set<boolean>();
  await expect
    .poll(
      () => {
        seen.add(monitor.ready);
        return misses;
      },
      { interval: 5 },
    )
    .toBe(-1);
  expect([...seen]).toEqual([true]);
});

test('what waiting can not mend is told at once, with its reason', async () => {
  const { server, monitor } = monitored();
  await monitor.untilReady();

  server.answer = () => Promise.reject(new UserError('SchemaTooNew', 'The database is newer.'));
  const before = server.probes;
  await expect.poll(() => monitor.ready, { interval: 5 }).toBe(false);
  expect(server.probes - before).toBe(1);
  expect(monitor.reason).toBe('The database is newer.');
});
