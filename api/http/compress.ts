import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';

/** Less than this fits a packet, compressed or not. */
const LEAST_BYTES = 1024;

// At this quality, brotli takes the time of gzip and a fifth less room.
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const ENCODERS = {
  br: (content: Uint8Array) => promisify(brotliCompress)(content, BROTLI),
  gzip: (content: Uint8Array) => promisify(gzip)(content),
};
type Encoding = keyof typeof ENCODERS;

/**
 * Compresses JSON and text for callers who accept it. Files with ranges stay as they are, and so do streams and pictures.
 * No answer holds a secret beside text of a stranger's, from whose length it could be guessed.
 */
export function compressText(): MiddlewareHandler<ApiEnv> {
  return async function compressAnswer(c, next) {
    await next();
    const { headers, body } = c.res;
    if (body === null || c.req.method === 'HEAD' || !isText(headers)) return;
    c.header('Vary', 'Accept-Encoding', { append: true });
    const encoding = encodingFor(c.req.header('accept-encoding'));
    if (encoding === undefined) return;
    const content = new Uint8Array(await c.res.clone().arrayBuffer());
    if (content.length < LEAST_BYTES) return;
    const compressed = new Uint8Array(await ENCODERS[encoding](content));
    c.res = new Response(compressed, { status: c.res.status, headers: c.res.headers });
    c.header('Content-Encoding', encoding);
    c.header('Content-Length', String(compressed.length));
  };
}

const TEXT = /^(application\/(problem\+)?json|application\/openmetrics-text|text\/(html|css|plain))\b/;

const isText = (headers: Headers): boolean =>
  TEXT.test(headers.get('content-type') ?? '') && !headers.has('content-encoding') && !headers.has('accept-ranges');

/** The encoding that the caller likes best; of equal ones, brotli. */
function encodingFor(accepted: string | undefined): Encoding | undefined {
  const weights = new Map((accepted ?? '').split(',').map(weightOf));
  const weight = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  const [best] = (['br', 'gzip'] as const).toSorted((a, b) => weight(b) - weight(a));
  return best !== undefined && weight(best) > 0 ? best : undefined;
}

function weightOf(part: string): [name: string, weight: number] {
  const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  return [name, quality === undefined ? 1 : Number(quality.slice(2)) || 0];
}
