import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const entry = join(import.meta.dirname, '../../cli/plimsoll.ts');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-npm-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const asScript = () => ({
  ...process.env,
  npm_package_name: 'plimsoll',
  npm_lifecycle_event: 'plimsoll',
  INIT_CWD: folder,
  MONGODB_URI: '',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
});

describe('as a script of npm', () => {
  it('takes folders from where npm was called', () => {
    const env = { ...asScript(), TEMPORAL_ADDRESS: '' };
    const { stdout } = spawnSync(process.execPath, [entry, 'jobs', '--data', 'nothing-here', '--json'], {
      env,
      encoding: 'utf8',
    });

    expect(JSON.parse(stdout).error.message).toContain(join(folder, 'nothing-here'));
  });

  it('ends when npm is killed', async () => {
    const inner = `
      const { adaptToNpm } = await import(${JSON.stringify(join(import.meta.dirname, '../../cli/npm-script.ts'))});
      adaptToNpm();
      process.on('SIGTERM', () => process.exit(0));
      process.stdout.write(String(process.pid) + '\\n');
      setInterval(() => {}, 1000);`;
    const outer = `
      const { spawn } = require('node:child_process');
      spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(inner)}], { stdio: ['ignore', 'inherit', 'inherit'] });
      setInterval(() => {}, 1000);`;
    const npm = spawn(process.execPath, ['-e', outer], { env: asScript(), stdio: ['ignore', 'pipe', 'inherit'] });
    await once(npm.stdout, 'data');

    npm.kill('SIGKILL');

    // The pipe ends when the last process that holds it does.
    await once(npm.stdout, 'close');
  });
});
