import { once } from 'node:events';
import { createServer } from 'node:http';
import { systemErrorCode, UserError } from '../core/errors.ts';
import type { Readiness } from './health.ts';

/** The port of PLIMSOLL_HEALTH_PORT; undefined if it is not set. @throws UserError InvalidSetting */
export function healthPort(env: NodeJS.ProcessEnv): number | undefined {
  const text = env.PLIMSOLL_HEALTH_PORT;
  if (!text) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UserError('InvalidSetting', `PLIMSOLL_HEALTH_PORT is "${text}"; a port from 1 to 65535 is expected.`);
}

/**
 * Answers the probes of an orchestrator such as Kubernetes, on all addresses. `GET /health` is answered as long as the
 * event loop turns. `GET /ready` is 200 if the worker polls and both servers answer, else 503 and what is missing.
 *
 * Restart a process on `/health` alone. A restart mends a loop that is stuck; it does not bring a server back, and would
 * only add all workers' starts to its load. Child processes have no part in it: whoever starts one watches it.
 *
 * @returns a function that closes the port
 * @throws UserError InvalidSetting if the port is taken
 */
export async function serveHealth(port: number, readiness: () => Promise<Readiness>): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : JSON.stringify(body));
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, { detail: 'Use GET.' });
    if (request.url === '/health') return answer(200, { status: 'alive' });
    if (request.url === '/ready') return void readiness().then((found) => answer(found.ready ? 200 : 503, found));
    answer(404, { detail: 'There are /health and /ready.' });
  });
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (systemErrorCode(error) !== 'EADDRINUSE') throw error;
    throw new UserError('InvalidSetting', `PLIMSOLL_HEALTH_PORT: port ${port} is taken. Choose another.`);
  }
  return async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
}
