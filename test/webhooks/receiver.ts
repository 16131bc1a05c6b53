import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { type WebhookPayload, webhookPayload } from '../../contract/webhook-payload.ts';

/** A secret of 32 bytes, in base64. */
export const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  id: string;
  /** Time of the try, in seconds since 1970. */
  timestamp: number;
  body: string;
}

export interface Receiver {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** `127.0.0.1:PORT`, as written in the list of allowed targets. */
  address: string;
  port: number;
  received: Received[];
  /** Waits until `count` requests have come. */
  untilReceived(count: number): Promise<Received[]>;
  stop(): Promise<void>;
}

export type Answer = (response: ServerResponse, request: Received, n: number) => void;

export const accept = (response: ServerResponse) => void response.writeHead(204).end();
export const sayNothing = () => {};

/** A receiver of webhooks on the loopback interface. */
export async function startReceiver(answer: Answer = accept): Promise<Receiver> {
  const received: Received[] = [];
  const arrivals = new EventEmitter();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { headers, url: path = '' } = request;
      const id = String(headers['webhook-id']);
      const timestamp = Number(headers['webhook-timestamp']);
      const one = { path, headers, id, timestamp, body: Buffer.concat(chunks).toString() };
      received.push(one);
      answer(response, one, received.length);
      arrivals.emit('arrival');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    port,
    received,
    async untilReceived(count) {
      while (received.length < count) await once(arrivals, 'arrival');
      return received;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The payload, once the signature holds by the reference library and the shape is the documented one. */
export function verified({ body, headers }: Received, secret = SECRET): WebhookPayload {
  return webhookPayload.parse(new Webhook(secret).verify(body, headers as Record<string, string>));
}
