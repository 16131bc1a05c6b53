import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { identify } from '../../local/process-identity.ts';
import { startServers } from '../../local/servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A real mongod, a replica set of one, shared by all tests. Use your own database or dataset. */
    mongodbUri: string;
    /** A real Temporal server, shared by all tests. Use your own task queues and Workflow IDs. */
    temporalAddress: string;
  }
}

const FOLDER_PREFIX = 'plimsoll-test-';

/** Starts both servers once for the whole run. Tests read their addresses with `inject('mongodbUri')`. */
export default async function startTestServers(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers();
  const dataDir = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  // Tests start some hundred processes. A shared compile cache halves the time that each takes to start.
  process.env.NODE_COMPILE_CACHE = join(dataDir, 'compiled');
  const servers = await startServers({
    dataDir,
    ports: { temporal: 0, ui: 0, mongo: 0 },
    ui: 'off',
    report: (line) => console.error(`[servers] ${line}`),
  });
  void servers.failed.then((error) => console.error(`[servers] ${error.message}`));
  project.provide('mongodbUri', servers.mongodbUri);
  project.provide('temporalAddress', servers.temporalAddress);
  return async () => {
    await servers.stop();
    // The last processes write to the compile cache as they end.
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
}

/** Removes the folders of killed runs. Their names contain the process IDs of processes that have ended. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && !(await identify(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
