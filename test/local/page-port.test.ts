import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { apiPortOf } from '../../local/api-server.ts';

test('where port 7400 is taken the page gets the next free one, the same at each start, and it is said why', async () => {
  const occupant = createServer();
  // Another stack on this machine may hold the port, which serves the test as well.
  occupant.on('error', () => {});
  occupant.listen(7400, '127.0.0.1');
  await Promise.race([once(occupant, 'listening'), once(occupant, 'error').catch(() => {})]);
  const lines: string[] = [];
  try {
    const first = await apiPortOf({ sourceRoots: [] }, (line) => lines.push(line));
    const second = await apiPortOf({ sourceRoots: [] }, () => {});
    expect(first).toBeGreaterThan(7400);
    expect(first).toBeLessThan(7420);
    expect(second).toBe(first);
    expect(lines).toEqual([`port 7400 is taken; the page is on ${first} (--api-port chooses)`]);
  } finally {
    occupant.close();
  }
});
