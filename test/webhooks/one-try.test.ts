import { once } from 'node:events';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllowList } from '../../core/webhooks/allow-list.ts';
import { noWebhooks, type WebhookConfig } from '../../core/webhooks/config.ts';
import { whyNoAnswer } from '../../core/webhooks/no-answer.ts';
import { sendWebhook } from '../../core/webhooks/send.ts';
import { type Receiver, SECRET, sayNothing, startReceiver } from './receiver.ts';

const receivers: Receiver[] = [];
const receive = async (...answer: Parameters<typeof startReceiver>) => {
  const receiver = await startReceiver(...answer);
  receivers.push(receiver);
  return receiver;
};
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
});

const secrets = async () => [SECRET];
const allowing = (allow: string, change: Partial<WebhookConfig> = {}): WebhookConfig => ({
  ...noWebhooks,
  secrets,
  allow: parseAllowList(allow),
  ...change,
});
const forever = new AbortController().signal;
const send = (config: WebhookConfig, url: string, signal = forever) =>
  sendWebhook(config, { id: 'job_event', url, secret: 'default', payload: { type: 'test' } }, signal);

describe('one try of a webhook', () => {
  it('posts JSON with a signature for each secret that is valid', async () => {
    const old = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const receiver = await receive();
    const config = allowing(receiver.address, { secrets: async () => [SECRET, old] });
    expect(await send(config, `${receiver.origin}/hook?a=1`)).toEqual({ status: 204, retryAfter: null });

    const [one] = receiver.received;
    expect(one).toMatchObject({ path: '/hook?a=1', id: 'job_event', headers: { 'content-type': 'application/json' } });
    for (const secret of [SECRET, old]) {
      expect(new Webhook(secret).verify(one?.body ?? '', one?.headers as Record<string, string>)).toEqual({
        type: 'test',
      });
    }
  });

  it('takes a redirect for an answer and does not follow it', async () => {
    const inside = await receive();
    const receiver = await receive((response) =>
      response.writeHead(302, { location: `${inside.origin}/latest/meta-data/` }).end(),
    );
    const config = allowing(`${receiver.address},${inside.address}`);
    expect(await send(config, receiver.origin)).toMatchObject({ status: 302 });
    expect(inside.received).toEqual([]);
  });

  it('refuses a name of which one address is not public, and connects to none', async () => {
    const receiver = await receive();
    const resolve = async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const refusal = expect.objectContaining({
      code: 'WebhookTargetRefused',
      message: expect.stringContaining('127.0.0.1'),
    });
    await expect(send(allowing('', { resolve }), `https://rebound.example:${receiver.port}/`)).rejects.toEqual(refusal);
    expect(receiver.received).toEqual([]);
  });

  it('checks the very addresses that it connects to, when a name changes from one look-up to the next', async () => {
    const receiver = await receive();
    const answers = [[{ address: '10.0.0.1', family: 4 }], [{ address: '127.0.0.1', family: 4 }]];
    const resolve = async () => answers.shift() ?? [];
    const config = allowing('127.0.0.1/32', { resolve });
    await expect(send(config, `http://rebound.example:${receiver.port}/`)).rejects.toMatchObject({
      code: 'WebhookTargetRefused',
    });
    expect(await send(config, `http://rebound.example:${receiver.port}/`)).toMatchObject({ status: 204 });
    expect(answers).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  it('asks the system’s resolver, and refuses what it says leads here', async () => {
    const receiver = await receive();
    await expect(send(allowing('10.0.0.0/8'), `http://localhost:${receiver.port}/`)).rejects.toMatchObject({
      code: 'WebhookTargetRefused',
    });
    expect(await send(allowing(`localhost:${receiver.port}`), `http://localhost:${receiver.port}/`)).toMatchObject({
      status: 204,
    });
  });

  it('ends when no answer comes in time', async () => {
    const receiver = await receive(sayNothing);
    // Long enough for the request to arrive.
    const config = allowing(receiver.address, { timeoutMs: 3000 });
    expect(await send(config, receiver.origin)).toEqual({ status: null, reason: 'no answer within 3 s' });
    expect(receiver.received).toHaveLength(1);
  });

  it('ends when a name is never resolved', async () => {
    const config = allowing('hooks.internal', { timeoutMs: 200, resolve: () => new Promise(() => {}) });
    expect(await send(config, 'http://hooks.internal/')).toEqual({ status: null, reason: expect.any(String) });
  });

  it('ends at once when its worker stops', async () => {
    const receiver = await receive(sayNothing);
    const stop = new AbortController();
    const sent = send(allowing(receiver.address), receiver.origin, stop.signal);
    await receiver.untilReceived(1);
    stop.abort(new Error('worker stops'));
    await expect(sent).rejects.toThrow('worker stops');
  });

  it('does not wait for the body of an answer that never ends, nor read more of it than a little', async () => {
    let sent = 0;
    let closed: Promise<unknown> | undefined;
    const receiver = await receive((response) => {
      closed = once(response, 'close');
      const block = Buffer.alloc(65_536);
      const pour = () => {
        while (!response.destroyed && response.write(block)) sent += block.length;
      };
      response.writeHead(200).on('drain', pour);
      pour();
    });
    expect(await send(allowing(receiver.address), receiver.origin)).toMatchObject({ status: 200 });
    await closed;
    expect(sent).toBeLessThan(20_000_000);
  });

  it('says why there was no answer, without the URL’s path', async () => {
    const receiver = await startReceiver();
    await receiver.stop();
    expect(await send(allowing(receiver.address), `${receiver.origin}/?token=geheim`)).toEqual({
      status: null,
      reason: 'it refuses the connection (ECONNREFUSED)',
    });
  });

  it('says what DNS or TLS has against it', async () => {
    const receiver = await receive();
    const unknown = async () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    expect(await send(allowing('hooks.internal', { resolve: unknown }), 'https://hooks.internal/')).toEqual({
      status: null,
      reason: 'DNS does not know its name (ENOTFOUND)',
    });
    expect(await send(allowing(receiver.address), `https://${receiver.address}/`)).toEqual({
      status: null,
      reason: expect.stringMatching(/^no TLS connection can be made \((?:ERR_SSL_|EPROTO)\w*\)$/),
    });
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'its certificate has expired (CERT_HAS_EXPIRED)'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)'],
    ['UND_ERR_CONNECT_TIMEOUT', 'no answer within 15 s'],
    ['EUNHEARDOF', 'EUNHEARDOF'],
  ])('says of %s: %s', (code, words) => {
    expect(whyNoAnswer(Object.assign(new Error('at https://x/?token=geheim'), { code }), 15_000)).toBe(words);
  });

  it('is no answer when what answers does not speak HTTP', async () => {
    const server = createServer().on('connection', (socket) => socket.end('220 smtp.example ready\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const answer = await send(allowing(`127.0.0.1:${port}`), `http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: null, reason: expect.stringMatching(/^its answer is not HTTP \(H/) });
    server.closeAllConnections();
    server.close();
  });

  it('knows no secret, and sends nothing', async () => {
    const receiver = await receive();
    const config = allowing(receiver.address, { secrets: async () => undefined });
    await expect(send(config, receiver.origin)).rejects.toMatchObject({ code: 'UnknownWebhookSecret' });
    expect(receiver.received).toEqual([]);
  });
});
