import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../core/cache-folder.ts';
import { UserError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { modelFoldersFrom } from '../core/models/model-folders.ts';
import { type SourceRoots, sourceRootsFromEnvironment } from '../core/sources/folder/source-roots.ts';
import { readTokens, type TokenRecord } from './auth/tokens.ts';

/** Settings of the API server. */
export interface ApiSettings {
  host: string;
  /** 0 takes any free port. */
  port: number;
  mongodbUri: string;
  /** Environment that configures Temporal's client. */
  env: NodeJS.ProcessEnv;
  /** Task queue of the workflows that are started; default `plimsoll`. */
  taskQueue?: string | undefined;
  /** Accepted tokens. If there are none, every caller on the loopback address may do everything. */
  tokens: readonly TokenRecord[];
  /** Undefined if any folder may be loaded and every sample's file may be served. */
  sourceRoots: SourceRoots;
  modelFolders: readonly string[];
  /** Accepted names in Host headers, in addition to the loopback names. Checked only if there are no tokens. */
  hostNames: readonly string[];
  /** Origins of other sites whose pages may make changes, for example `https://labels.example`. */
  origins: readonly string[];
  /** Folder of the built page. */
  webFolder?: string | undefined;
  thumbnailFolder: string;
  /** Limit of the thumbnails on disk, in bytes. */
  thumbnailBytes: number;
  maxStreams: number;
  /** URL of Temporal's web page, for links. */
  uiUrl?: string | undefined;
}

export const MAX_BODY_BYTES = 1024 * 1024;
export const DEFAULT_PORT = 7400;
const MEBIBYTE = 1024 * 1024;

/**
 * Reads MONGODB_URI and PLIMSOLL_*; docs/api.md lists them.
 *
 * @throws UserError InvalidSetting; TokenNeeded or SourceRootsNeeded if other machines could reach an unprotected
 *   server
 */
export async function settingsFrom(
  env: NodeJS.ProcessEnv,
  { host = '127.0.0.1', port = DEFAULT_PORT }: { host?: string | undefined; port?: number | undefined } = {},
): Promise<ApiSettings> {
  const tokens = await readTokens(env);
  const sourceRoots = sourceRootsFromEnvironment(env);
  if (!isLoopback(host)) requireGuards(host, tokens, sourceRoots);
  return {
    host,
    port,
    mongodbUri: mongodbUriOf(env),
    env,
    tokens,
    sourceRoots,
    modelFolders: modelFoldersFrom(env),
    hostNames: listOf(env.PLIMSOLL_API_HOSTS).map((name) => name.toLowerCase()),
    origins: listOf(env.PLIMSOLL_API_ORIGINS).map(originOf),
    webFolder: env.PLIMSOLL_WEB || builtPage(),
    thumbnailFolder: env.PLIMSOLL_THUMBNAILS || join(cacheFolder(env), 'thumbnails'),
    thumbnailBytes: numberOf(env, 'PLIMSOLL_THUMBNAILS_MB', 1024) * MEBIBYTE,
    maxStreams: numberOf(env, 'PLIMSOLL_API_STREAMS', 1024),
    uiUrl: env.TEMPORAL_UI_URL || undefined,
  };
}

/** The built page lies beside this file in the package, and in web/dist in a checkout. */
function builtPage(): string | undefined {
  const folder = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../web/dist' : '../web', import.meta.url));
  return existsSync(join(folder, 'index.html')) ? folder : undefined;
}

function requireGuards(host: string, tokens: readonly TokenRecord[], roots: SourceRoots): void {
  if (tokens.length === 0)
    throw new UserError(
      'TokenNeeded',
      `${host} can be reached from other machines, so callers need a token. Make one with "plimsoll token create --scope operate", and put the line that it prints in PLIMSOLL_API_TOKENS or in a file that PLIMSOLL_API_TOKENS_FILE names.`,
    );
  if (roots === undefined)
    throw new UserError(
      'SourceRootsNeeded',
      `${host} can be reached from other machines, so PLIMSOLL_SOURCE_ROOTS must say below which folders loads may read and files be served.`,
    );
}

function mongodbUriOf({ MONGODB_URI }: NodeJS.ProcessEnv): string {
  if (MONGODB_URI) return MONGODB_URI;
  throw new UserError('InvalidSetting', 'MONGODB_URI is not set. It names the replica set that holds the datasets.');
}

function numberOf(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const text = env[name];
  if (!text) return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UserError('InvalidSetting', `${name}: "${text}" is not a whole number above 0.`);
}

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url.origin;
  throw new UserError(
    'InvalidSetting',
    `PLIMSOLL_API_ORIGINS: "${text}" is not an origin, as in https://labels.example`,
  );
}

const listOf = (text = '') => text.split(/[\s,]+/).filter((part) => part !== '');
