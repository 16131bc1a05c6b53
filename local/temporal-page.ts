import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { hostNameOf, isLoopback } from '../core/loopback.ts';
import { freePort, HOST } from './ports.ts';
import type { Address } from './temporal-server.ts';

/**
 * An address of this machine alone that nobody can guess, for Temporal's own web server. That answers whoever calls it
 * by any name, so a page of any site could have its name lead there (DNS rebinding). Undefined on systems that have one
 * loopback address (macOS).
 */
export async function hiddenAddress(): Promise<Address | undefined> {
  const host = `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
  try {
    return { host, port: await freePort(host) };
  } catch {
    return undefined;
  }
}

export interface TemporalPage {
  close(): Promise<void>;
}

/**
 * Serves Temporal's web page at a port of 127.0.0.1, to this machine's own browser: calls by another name than this
 * machine's, and calls of other pages, are refused.
 * @throws Error of the system if the port can't be opened
 */
export async function serveTemporalPage(port: number, temporal: Address): Promise<TemporalPage> {
  const server = createServer((asked, answer) => {
    const refusal = refusalOf(asked);
    if (refusal === undefined) pass(asked, answer, temporal);
    else answer.writeHead(403, { 'content-type': 'text/plain' }).end(`${refusal}\n`);
  });
  server.listen({ host: HOST, port, exclusive: true });
  await once(server, 'listening');
  return {
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Why a call is none of the page itself, or of a person who follows a link to it. */
function refusalOf({ headers, method }: IncomingMessage): string | undefined {
  const { host, origin } = headers;
  const name = host === undefined ? undefined : hostNameOf(host);
  if (name === undefined || !isLoopback(name)) return 'Call this page as localhost or 127.0.0.1.';
  if (origin !== undefined && URL.parse(origin)?.host !== host) return 'Pages of other sites may not call this one.';
  const site = headers['sec-fetch-site'];
  const own = site === undefined || site === 'same-origin' || site === 'none';
  const follows = headers['sec-fetch-mode'] === 'navigate' && method === 'GET';
  return own || follows ? undefined : 'Pages of other sites may not call this one.';
}

function pass(asked: IncomingMessage, answer: ServerResponse, temporal: Address): void {
  const { method, url, headers } = asked;
  const passed = request({ ...temporal, method, path: url, headers }, (given) => {
    answer.writeHead(given.statusCode ?? 502, {
      ...given.headers,
      // Another page shows it in no frame, and takes none of its files.
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    });
    given.pipe(answer);
    given.on('error', () => answer.destroy());
  });
  passed.on('error', () => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502, { 'content-type': 'text/plain' }).end('Temporal is not up at the moment.\n');
  });
  answer.on('close', () => passed.destroy());
  asked.pipe(passed);
}
