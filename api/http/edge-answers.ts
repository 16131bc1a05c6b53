import { randomUUID } from 'node:crypto';
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import type { ApiContext } from '../context.ts';
import type { ProblemCode } from '../problem/codes.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import { problemOf } from '../problem/to-problem.ts';
import { PROBLEM_TYPE, problemText } from './errors.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/**
 * How long a caller may take to read the answer to a request that can't be read. Its connection is then destroyed: a
 * caller that never closes its side would hold it.
 */
const LINGER_MS = 1000;

/** Answers requests that never reach the app as the app would: with a problem and the same headers. */
export function answerAtTheEdge(server: Server): void {
  const latest = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (request, response) => latest.set(request.socket, response));
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    const under = latest.get(socket);
    // Nothing can be written while another answer is half sent.
    const midway = under?.headersSent && !under.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || midway) return void socket.destroy();
    const problem = problemOf(...(UNREADABLE[error.code ?? ''] ?? UNREADABLE.other));
    const { headers, text } = answerTo(problem);
    const head = Object.entries(headers).map((field) => field.join(': '));
    const lines = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...head, '', text];
    socket.end(lines.join('\r\n'));
    const late = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(late));
  });
  server.on('checkExpectation', (_request, response) => {
    send(response, problemOf('ExpectationFailed', 'Expect: only 100-continue can be expected here.'));
  });
}

/** Refuses the request of a connection that is one more than its peer may have. */
export const refuseConnection = (response: ServerResponse): void =>
  send(
    response,
    problemOf('TooManyConnections', 'Your address has as many connections open as one may have. Try again later.'),
  );

function send(response: ServerResponse, problem: ProblemError): void {
  const { headers, text } = answerTo(problem);
  response.writeHead(problem.status, headers).end(text);
}

/** Answers an error in the adapter, outside the app, for example an unreadable Host header or URL. */
export function edgeResponse(error: unknown, log: ApiContext['log']): Response {
  const ofCaller = error instanceof RequestError;
  const problem = ofCaller
    ? problemOf('InvalidRequest', `The address or the Host can not be read: ${error.message}.`)
    : problemOf('InternalError', 'The request could not be answered. The log says why.');
  const { headers, text } = answerTo(problem);
  if (!ofCaller) log(`A request could not be answered (request ${headers['X-Request-Id']})`, error);
  return new Response(text, { status: problem.status, headers });
}

function answerTo(problem: ProblemError) {
  const id = randomUUID();
  const text = problemText(problem, id);
  const headers = {
    ...SECURITY_HEADERS,
    'Cache-Control': 'no-store',
    ...problem.headers,
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(text)),
    'X-Request-Id': id,
    Connection: 'close',
  };
  return { headers, text };
}

/** Problems by the code of Node's error. */
const UNREADABLE: Record<string, [ProblemCode, string]> & { other: [ProblemCode, string] } = {
  ERR_HTTP_REQUEST_TIMEOUT: ['RequestTimeout', 'Send the headers within 10 seconds, and the whole request within 30.'],
  HPE_HEADER_OVERFLOW: ['HeadersTooLarge', 'The address and the headers have more than 32 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['BodyTooLarge', "A chunk's extensions are too large."],
  other: ['InvalidRequest', 'This is not HTTP/1.1 as it is written.'],
};
