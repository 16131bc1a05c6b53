import { describe, expect, it } from 'vitest';
import { bareEnvironment, startCommand } from '../cli/command-bench.ts';

// Cron and compose easily set TZ to nothing. No server is asked: what is wrong with the line comes first.
const run = (tz: string, ...args: string[]) => startCommand(args, { env: { ...bareEnvironment(), TZ: tz } }).ended;
const create = ['schedule', 'create', 'nightly', '.', '--cron'];

describe('on a machine whose time zone is not known', () => {
  it.each(['', 'Mars/Olympus'])('the real mistake is told, and that times are in UTC: TZ="%s"', async (tz) => {
    const { code, stderr } = await run(tz, ...create, '0 3 * *');

    expect(code).toBe(2);
    expect(stderr).toContain('it has 4 fields where five are expected');
    expect(stderr).toContain('so times are in UTC. To use another: --time-zone ZONE');
  });

  it('nothing is said where the line names a zone', async () => {
    const { stderr } = await run('', ...create, '0 3 * *', '--time-zone', 'Europe/Zurich');

    expect(stderr).toContain('it has 4 fields');
    expect(stderr).not.toContain('UTC');
  });
});
