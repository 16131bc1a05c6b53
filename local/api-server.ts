import { delimiter, join } from 'node:path';
import type { MemberSpec } from './member.ts';
import { claimPort, HOST } from './ports.ts';
import { awaitReadyMessage } from './ready-message.ts';
import type { Report } from './report.ts';
import type { Servers } from './servers.ts';
import { siblingModule } from './sibling-module.ts';

/** The HTTP API and the page, as a member of the stack. */
export interface ApiOptions {
  /** On 127.0.0.1; 7400 if not given, or the next one that is free. */
  port?: number | undefined;
  /** The built page, which may still be under way; without it only the API is served. */
  webFolder?: Promise<string | undefined> | undefined;
  /** Below which loads may read and files are served, unless PLIMSOLL_SOURCE_ROOTS says so: absolute paths. Any folder if left out. */
  sourceRoots?: readonly string[] | undefined;
}

const DEFAULT_PORT = 7400;
/** From there on: the next start then finds the same one as this. */
const PORTS_TRIED = 20;

/** @throws LocalStackError PortTaken for a port that was asked for */
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

export async function apiSpec(servers: Servers, port: number, options: ApiOptions): Promise<MemberSpec> {
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
      ...(servers.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: servers.uiUrl }),
    },
    channel: 'ipc',
    logFile: join(servers.dataDir, 'logs', 'api.log'),
    tier: 0,
    graceMs: 10_000,
    awaitReady: awaitReadyMessage,
  };
}
