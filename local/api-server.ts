import { delimiter, join } from 'node:path';
import { tokenLine } from '../core/api-tokens.ts';
import type { MemberSpec } from './member.ts';
import { claimPort, HOST } from './ports.ts';
import { awaitReadyMessage } from './ready-message.ts';
import type { Report } from './report.ts';
import type { Servers } from './servers.ts';
import { siblingModule } from './sibling-module.ts';

/** Options of the HTTP API and the page in a stack. */
export interface ApiOptions {
  /** Port on 127.0.0.1. Default: 7400, or the next free one. */
  port?: number | undefined;
  /** Folder of the built page, which may still be building. Without it only the API is served. */
  webFolder?: Promise<string | undefined> | undefined;
  /**
   * Absolute paths of the folders that may be loaded and served. PLIMSOLL_SOURCE_ROOTS overrides them. Default: any
   * folder.
   */
  sourceRoots?: readonly string[] | undefined;
}

const DEFAULT_PORT = 7400;
/** Free ports are searched from the default on, so that the next start finds the same port. */
const PORTS_TRIED = 20;

/** Chooses the API's port. @throws PortsTakenError if the requested port is in use */
export async function apiPortOf({ port }: ApiOptions, report: Report): Promise<number> {
  const purpose = { role: 'the HTTP API and the page', flag: '--api-port', instead: 'stop what listens there' };
  if (port !== undefined) return claimPort(port, purpose);
  for (let tried = DEFAULT_PORT; tried < DEFAULT_PORT + PORTS_TRIED; tried++) {
    const free = await claimPort(tried, purpose).catch(() => undefined);
    if (free === undefined) continue;
    if (free !== DEFAULT_PORT) report(`port ${DEFAULT_PORT} is taken; the page is on ${free} (--api-port chooses)`);
    return free;
  }
  return claimPort(0, purpose);
}

export const apiUrl = (port: number) => `http://${HOST}:${port}`;

/** Whether the environment says which tokens the API takes. */
export const hasTokens = (env: NodeJS.ProcessEnv): boolean =>
  env.PLIMSOLL_API_TOKENS !== undefined || env.PLIMSOLL_API_TOKENS_FILE !== undefined;

/** @param token the token that the API takes; undefined if the environment says that, or if nobody needs one */
export async function apiSpec(
  servers: Servers,
  port: number,
  options: ApiOptions,
  token: string | undefined,
): Promise<MemberSpec> {
  const webFolder = await options.webFolder;
  return {
    name: 'api',
    command: process.execPath,
    args: [siblingModule(import.meta.url, '../api/serve'), '--host', HOST, '--port', String(port)],
    env: {
      ...(options.sourceRoots === undefined ? {} : { PLIMSOLL_SOURCE_ROOTS: options.sourceRoots.join(delimiter) }),
      PLIMSOLL_THUMBNAILS: join(servers.dataDir, 'thumbnails'),
      ...(webFolder === undefined ? {} : { PLIMSOLL_WEB: webFolder }),
      ...servers.env,
      ...(token === undefined ? {} : { PLIMSOLL_API_TOKENS: tokenLine(token, 'operate') }),
      ...(servers.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: servers.uiUrl }),
    },
    channel: 'ipc',
    logFile: join(servers.dataDir, 'logs', 'api.log'),
    tier: 0,
    graceMs: 10_000,
    awaitReady: awaitReadyMessage,
  };
}
