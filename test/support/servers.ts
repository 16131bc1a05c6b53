import { access, constants, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
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

/** Linux's folder in memory. */
const MEMORY = '/dev/shm';
/** More than a whole run stores: a gigabyte of oplog, and as much of data and journal. */
const NEEDED_BYTES = 4 * 2 ** 30;

/**
 * Where the servers keep their data: in memory if there is room, else among temporary files. Each write of a test is
 * synced, and a disk makes it wait. The kills and restarts that tests make are of servers of their own.
 */
async function placeForData(): Promise<string> {
  try {
    await access(MEMORY, constants.W_OK);
    const { bavail, bsize } = await statfs(MEMORY);
    // What is kept there takes memory that the tests need as well.
    if (bavail * bsize >= NEEDED_BYTES && freemem() >= 2 * NEEDED_BYTES) return MEMORY;
  } catch {
    // No such folder, or a container's that may not be written to.
  }
  return tmpdir();
}

/** Starts both servers once for the whole run. Tests read their addresses with `inject('mongodbUri')`. */
export default async function startTestServers(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers();
  const dataDir = await mkdtemp(join(await placeForData(), `${FOLDER_PREFIX}${process.pid}-`));
  // Tests start some hundred processes. A shared compile cache halves the time that each takes to start.
  process.env.NODE_COMPILE_CACHE = join(dataDir, 'compiled');
  const servers = await startServers({
    dataDir,
    open: true,
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
  for (const place of [MEMORY, tmpdir()]) {
    for (const name of await readdir(place).catch(() => [])) {
      const pid = Number(new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1]);
      if (pid > 0 && !(await identify(pid))) await rm(join(place, name), { recursive: true, force: true });
    }
  }
}
