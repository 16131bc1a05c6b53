import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { systemErrorCode, UserError } from '../core/errors.ts';
import { knownMedia } from '../core/media/registry.ts';
import { folderSource } from '../core/sources/folder/folder-source.ts';
import { createSources } from '../core/sources/source.ts';
import { createApi } from './app.ts';
import { openBackends } from './backends/backends.ts';
import type { ApiContext } from './context.ts';
import { countTags } from './datasets/count-tags.ts';
import { keepForAWhile } from './datasets/keep.ts';
import { openChanges } from './events/changes.ts';
import { answerAtTheEdge, edgeResponse } from './http/edge-answers.ts';
import type { ApiSettings } from './settings.ts';
import { openThumbnails } from './thumbnails/thumbnails.ts';

/** A server that listens. */
export interface RunningApi {
  /** `http://127.0.0.1:7400` */
  url: string;
  port: number;
  context: ApiContext;
  close(): Promise<void>;
}

/**
 * Slow callers do not hold a connection: headers in 10 s, a whole request in 30. Answers may take as long as they need, and as long
 * as some of them is read: a caller that reads nothing would hold its file open for good.
 */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 30_000,
  maxHeaderSize: 32 * 1024,
  connectionsCheckingInterval: 5000,
};

export interface ConnectionLimits {
  /** After which a connection on which nothing moves is cut. Longer than the longest wait that an answer may take (60 s). */
  idleMs: number;
  /** More are closed at once. */
  mostConnections: number;
  timeouts: Partial<typeof TIMEOUTS>;
}

const IDLE_MS = 120_000;
/** Beside the streams. */
const OTHER_CONNECTIONS = 1000;

/** Listens at once, whether MongoDB and Temporal are there or not. @throws UserError InvalidSetting, PortTaken */
export async function startApi(
  settings: ApiSettings,
  log: ApiContext['log'] = logToStderr,
  limits: Partial<ConnectionLimits> = {},
): Promise<RunningApi> {
  const context = openContext(settings, log);
  const api = createApi(context);
  const server = createServer(
    // A request without a Host is answered by us, rather than by Node without a word.
    { ...TIMEOUTS, ...limits.timeouts, requireHostHeader: false },
    getRequestListener((request, env) => api.fetch(request, env), {
      overrideGlobalObjects: false,
      errorHandler: (error) => edgeResponse(error, log),
    }),
  );
  answerAtTheEdge(server);
  server.timeout = limits.idleMs ?? IDLE_MS;
  server.maxConnections = limits.mostConnections ?? settings.maxStreams + OTHER_CONNECTIONS;
  const closeContext = async () => {
    context.thumbnails.close();
    await context.changes.stop();
    await context.backends.close();
  };
  try {
    await listen(server, settings);
  } catch (error) {
    // Or what is connected to would keep the process alive.
    api.close();
    await closeContext();
    throw error;
  }
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    context,
    async close() {
      api.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), 3000);
      await closed;
      clearTimeout(late);
      await closeContext();
    },
  };
}

/** @throws UserError PortTaken; the system's error for another reason */
async function listen(server: Server, { host, port }: ApiSettings): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (systemErrorCode(error) !== 'EADDRINUSE') throw error;
    throw new UserError(
      'PortTaken',
      `Port ${port} is in use on ${host} ("plimsoll up" serves the page on 7400). Choose another: --port 0 takes any free one.`,
      { cause: error },
    );
  }
}

/**
 * What the routes work with, over servers that are connected to in the background. `sources` and `media` are those of the
 * workers' plugin, where it was given others.
 */
export function openContext(
  settings: ApiSettings,
  log: ApiContext['log'] = logToStderr,
  { sources, media }: Partial<Pick<ApiContext, 'sources' | 'media'>> = {},
): ApiContext {
  const backends = openBackends(settings);
  return {
    settings,
    backends,
    sources: sources ?? createSources([folderSource({ roots: settings.sourceRoots })]),
    media: media ?? knownMedia(),
    changes: openChanges(backends, log),
    tagCounts: keepForAWhile((dataset) => countTags(backends.client.store, dataset)),
    thumbnails: openThumbnails({ folder: settings.thumbnailFolder, bytes: settings.thumbnailBytes }),
    log,
  };
}

function logToStderr(message: string, error?: unknown): void {
  const reason = error instanceof Error ? (error.stack ?? error.message) : error === undefined ? '' : String(error);
  console.error(`${new Date().toISOString()} ${message} ${reason}`.trimEnd());
}
