import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { systemErrorCode, UserError } from '../core/errors.ts';
import { knownMedia } from '../core/media/registry.ts';
import { folderSource } from '../core/sources/folder/folder-source.ts';
import { createSources } from '../core/sources/source.ts';
import { openSearcher } from '../search/open-searcher.ts';
import { createApi } from './app.ts';
import { openBackends } from './backends/backends.ts';
import type { ApiContext } from './context.ts';
import { countTags } from './datasets/count-tags.ts';
import { keepForAWhile } from './datasets/keep.ts';
import { openChanges } from './events/changes.ts';
import { answerAtTheEdge, edgeResponse, refuseConnection } from './http/edge-answers.ts';
import { limitPeers } from './http/peer-limit.ts';
import type { ApiSettings } from './settings.ts';
import { openThumbnails } from './thumbnails/thumbnails.ts';

/** An API server that listens. */
export interface RunningApi {
  /** `http://127.0.0.1:7400` */
  url: string;
  port: number;
  context: ApiContext;
  close(): Promise<void>;
}

/**
 * Bounds how long slow callers hold a connection: 10 s for the headers, 30 s for a whole request. An answer may take
 * any time while the caller reads; a caller that reads nothing would hold a file open forever.
 */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 30_000,
  maxHeaderSize: 32 * 1024,
  connectionsCheckingInterval: 5000,
};

export interface ConnectionLimits {
  /** An idle connection is closed after this time. It exceeds the longest wait for an answer (60 s). */
  idleMs: number;
  /** Further connections are closed at once. */
  mostConnections: number;
  /** The most connections of one peer. */
  mostOfPeer: number;
  timeouts: Partial<typeof TIMEOUTS>;
}

const IDLE_MS = 120_000;
/** Connections in addition to the event streams. */
const OTHER_CONNECTIONS = 1000;
/** One peer leaves this many connections to others. It may be a proxy, which holds the streams of all its callers. */
const CONNECTIONS_OF_OTHERS = 500;

/**
 * Starts the API server. It listens at once, even if MongoDB and Temporal do not answer yet.
 *
 * @throws UserError InvalidSetting, PortTaken
 */
export async function startApi(
  settings: ApiSettings,
  log: ApiContext['log'] = logToStderr,
  limits: Partial<ConnectionLimits> = {},
): Promise<RunningApi> {
  const context = openContext(settings, log);
  const api = createApi(context);
  const answer = getRequestListener((request, env) => api.fetch(request, env), {
    overrideGlobalObjects: false,
    errorHandler: (error) => edgeResponse(error, log),
  });
  // Node answers a request without a Host header with an empty 400; the app answers with a problem.
  const server = createServer({ ...TIMEOUTS, ...limits.timeouts, requireHostHeader: false });
  answerAtTheEdge(server);
  server.timeout = limits.idleMs ?? IDLE_MS;
  server.maxConnections = limits.mostConnections ?? settings.maxStreams + OTHER_CONNECTIONS;
  const peers = limitPeers(server, limits.mostOfPeer ?? server.maxConnections - CONNECTIONS_OF_OTHERS);
  server.on('request', (request, response) =>
    peers.refuses(request.socket) ? refuseConnection(response) : answer(request, response),
  );
  const closeContext = async () => {
    context.thumbnails.close();
    await context.searcher.close();
    await context.changes.stop();
    await context.backends.close();
  };
  try {
    await listen(server, settings);
  } catch (error) {
    // Open connections would keep the process alive.
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
 * Creates the context of the routes. The backends connect in the background. Pass `sources` and `media` if the workers'
 * plugin was given its own.
 */
export function openContext(
  settings: ApiSettings,
  log: ApiContext['log'] = logToStderr,
  { sources, media }: Partial<Pick<ApiContext, 'sources' | 'media'>> = {},
): ApiContext {
  const backends = openBackends(settings);
  const known = media ?? knownMedia();
  return {
    settings,
    backends,
    sources: sources ?? createSources([folderSource({ roots: settings.sourceRoots })]),
    media: known,
    changes: openChanges(backends, log),
    tagCounts: keepForAWhile((dataset) => countTags(backends.client.store, dataset)),
    thumbnails: openThumbnails({ folder: settings.thumbnailFolder, bytes: settings.thumbnailBytes }),
    searcher: openSearcher({
      store: backends.client.store,
      media: known,
      modelFolders: settings.modelFolders,
      env: settings.env,
      log,
    }),
    log,
  };
}

function logToStderr(message: string, error?: unknown): void {
  const reason = error instanceof Error ? (error.stack ?? error.message) : error === undefined ? '' : String(error);
  console.error(`${new Date().toISOString()} ${message} ${reason}`.trimEnd());
}
