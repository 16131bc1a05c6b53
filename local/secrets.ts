import { createHmac, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { newToken } from '../core/api-tokens.ts';
import { createExclusively } from './create-exclusively.ts';
import type { Report } from './report.ts';

/** The secrets of a data folder. They are made once, so that links and connection strings stay valid. */
export interface Secrets {
  /** The token of the HTTP API and the page. */
  apiToken: string;
  mongod: MongodSecrets;
}

export interface MongodSecrets {
  keyFile: string;
  /** The key that the members of the replica set share. Its holder is the user `__system`, who may do everything. */
  key: string;
  /** The password of the user `plimsoll`. */
  password: string;
}

const OWNER_ONLY = 0o077;

/** Reads the secrets of a data folder. Makes those that are missing. */
export async function readSecrets(dataDir: string): Promise<Secrets> {
  const keyFile = join(dataDir, 'mongod.key');
  const [key, apiToken] = await Promise.all([
    // mongod takes 6 to 1,024 characters of base64.
    keep(keyFile, () => randomBytes(96).toString('base64')),
    keep(tokenFile(dataDir), newToken),
  ]);
  const password = createHmac('sha256', key).update('the password of the user plimsoll').digest('base64url');
  return { apiToken, mongod: { keyFile, key, password } };
}

/** The file that holds the token of a data folder's HTTP API. */
export const tokenFile = (dataDir: string) => join(dataDir, 'token');

async function keep(file: string, make: () => string): Promise<string> {
  await createExclusively(file, `${make()}\n`);
  // mongod refuses a key that others may read.
  if (((await stat(file)).mode & OWNER_ONLY) !== 0) await chmod(file, 0o600);
  return (await readFile(file, 'utf8')).trim();
}

/** Makes a data folder that only its owner can look into. One that is there is closed to others. */
export async function makePrivate(dataDir: string, report: Report): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // Windows has no such bits. A folder there belongs to the user whose profile it is in.
  if (process.platform === 'win32' || ((await stat(dataDir)).mode & OWNER_ONLY) === 0) return;
  try {
    await chmod(dataDir, 0o700);
  } catch (error) {
    report(
      `others can look into ${dataDir} (${(error as NodeJS.ErrnoException).code}); close it: chmod 700 ${dataDir}`,
    );
  }
}
