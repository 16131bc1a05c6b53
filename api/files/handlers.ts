import { basename } from 'node:path';
import type { Context } from 'hono';
import type { Medium } from '../../core/media/medium.ts';
import type { OpenFile } from '../../core/sources/source.ts';
import { getDataset } from '../../core/store/datasets.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { FILE_POLICY, PDF_POLICY } from '../http/security-headers.ts';
import { versionOf } from '../present/sample.ts';
import { problemOf } from '../problem/to-problem.ts';
import { getSample } from '../samples/get-sample.ts';
import { ThumbnailError } from '../thumbnails/failures.ts';
import { placeholder } from '../thumbnails/placeholder.ts';
import { exactLength } from './exact-length.ts';
import { matches, partOf } from './ranges.ts';
import { requireMetadata, requireRead } from './require-read.ts';
import * as routes from './routes.ts';
import { currentFingerprint, openSampleFile } from './sample-file.ts';

export function fileRoutes({ backends, sources, media, thumbnails }: ApiContext) {
  const { store } = backends.client;
  const router = newRouter();

  async function find({ dataset, seq }: { dataset: string; seq: number }) {
    const [{ media_type }, sample] = await Promise.all([getDataset(store, dataset), getSample(store, dataset, seq)]);
    return { sample, medium: media.find(media_type) };
  }

  router.openapi(routes.fileRoute, async (c) => {
    const { sample, medium } = await find(c.req.valid('param'));
    requireMetadata(sample);
    const open = () => openSampleFile(sample, sources);
    const file = await open();
    try {
      await requireRead(file, { sample, medium, thumbnails, open }, c.req.raw.signal);
      return await sendFile(c, { sample, medium, file, version: c.req.valid('query').v });
    } catch (error) {
      await file.close();
      throw error;
    }
  });

  router.openapi(routes.thumbnailRoute, async (c) => {
    const { size, v } = c.req.valid('query');
    const { sample, medium } = await find(c.req.valid('param'));
    try {
      const mimeType = medium?.thumbnails?.mimeType;
      if (medium === undefined) throw new ThumbnailError('unsupported_format', 'this server does not know its medium');
      if (mimeType === undefined) throw new ThumbnailError('no_picture', `${medium.words.many} have no pictures`);
      const fingerprint = await currentFingerprint(sample, sources);
      const recorded = recordedFailure(sample, medium, fingerprint);
      if (recorded !== undefined) return unpicturable(c, recorded, Number(size));
      const version = versionAt(sample, fingerprint);
      const etag = `"${version}-${size}"`;
      const headers = { ETag: etag, 'Cache-Control': cacheControl(version, v) };
      const asked = c.req.header('if-none-match');
      // A caller with this tag has the picture already. `*` matches only an existing picture, so draw it first.
      if (asked?.trim() !== '*' && matches(asked, etag)) return c.body(null, 304, headers);
      const open = () => openSampleFile(sample, sources);
      const request = { medium, open, fingerprint, version, size: Number(size) };
      const { picture, current } = await thumbnails.get(request, c.req.raw.signal);
      if (current && matches(asked, etag)) return c.body(null, 304, headers);
      return c.body(picture, 200, {
        ...(current ? headers : { 'Cache-Control': 'no-store' }),
        'Content-Type': mimeType,
        'Content-Security-Policy': FILE_POLICY,
      });
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      return unpicturable(c, failure, Number(size));
    }
  });

  return router;
}

function failureOf(error: unknown): { code: string; message: string } | undefined {
  if (error instanceof ThumbnailError) return { code: error.code, message: error.message };
  const { code } = error as { code?: unknown };
  return code === 'FileGone' ? { code: 'file_not_found', message: (error as Error).message } : undefined;
}

function unpicturable(
  c: Context<ApiEnv>,
  { code, message }: { code: string; message: string },
  size: number,
): Response {
  const headers = { 'Plimsoll-Reason': code, 'Cache-Control': 'private, max-age=10', Vary: 'Accept' };
  if (/\bjson\b/.test(c.req.header('accept') ?? ''))
    throw problemOf('ThumbnailFailed', `The sample can't be drawn: ${message} (${code}).`, { headers });
  return c.body(placeholder(code, size), 422, {
    ...headers,
    'Content-Type': 'image/svg+xml',
    'Content-Security-Policy': FILE_POLICY,
  });
}

/** The permanent error that indexing found in the file's content, if the file has not changed since. */
function recordedFailure({ error, source }: SampleDocument, { thumbnails }: Medium, fingerprint: string) {
  const isSame = error?.stage === 'indexing' && source.fingerprint === fingerprint;
  const code = isSame ? thumbnails?.hopeless[error.code] : undefined;
  return code === undefined ? undefined : { code, message: error?.message ?? '' };
}

/** The version of the file as it is now; the sample's record may be older. */
function versionAt(sample: SampleDocument, fingerprint: string): string {
  return versionOf({ ...sample, source: { ...sample.source, fingerprint } });
}

/** Cached forever if the URL names the version that is sent; otherwise revalidated each time. */
function cacheControl(version: string, asked: string | undefined): string {
  return version === asked ? 'private, max-age=31536000, immutable' : 'private, no-cache';
}

interface Sending {
  sample: SampleDocument;
  /** Undefined if this server does not support it: the file is then bytes of no known type. */
  medium: Medium | undefined;
  /** Closed once it is sent; the caller closes it after an error. */
  file: OpenFile;
  /** The version that the caller asked for. */
  version: string | undefined;
}

async function sendFile(c: Context<ApiEnv>, { sample, medium, file, version }: Sending): Promise<Response> {
  const { size, mtimeNs, fingerprint } = file;
  const current = versionAt(sample, fingerprint);
  const etag = `"${current}"`;
  const headers = {
    ETag: etag,
    'Last-Modified': new Date(Number(mtimeNs / 1_000_000n)).toUTCString(),
    'Cache-Control': cacheControl(current, version),
    'Accept-Ranges': 'bytes',
    ...contentHeaders(sample, medium),
  };
  if (matches(c.req.header('if-none-match'), etag)) return await closed(file, c.body(null, 304, headers));
  const ifRange = c.req.header('if-range');
  const part = partOf(ifRange === undefined || ifRange === etag ? c.req.header('range') : undefined, size);
  if (part.kind === 'unsatisfiable')
    throw problemOf('RangeNotSatisfiable', `The file has ${size} bytes.`, {
      headers: { 'Content-Range': `bytes */${size}` },
    });
  const range = part.kind === 'range' ? { start: part.start, end: part.end } : { start: 0, end: size - 1 };
  const length = range.end - range.start + 1;
  const sent = {
    ...headers,
    'Content-Length': String(length),
    ...(part.kind === 'range' ? { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` } : {}),
  };
  const status = part.kind === 'range' ? 206 : 200;
  if (c.req.method === 'HEAD' || size === 0) return await closed(file, c.body(null, status, sent));
  // After a short body the connection can't be reused, even if the headers were not sent yet.
  const whole = exactLength(length, () => c.env?.outgoing?.destroy());
  return c.body(file.stream(range).pipeThrough(whole), status, sent);
}

async function closed(file: OpenFile, response: Response): Promise<Response> {
  await file.close();
  return response;
}

/** The content type comes from reading the file, never from its name or from the caller. */
function contentHeaders({ metadata, filepath }: SampleDocument, medium: Medium | undefined): Record<string, string> {
  const read = metadata?.mime_type;
  const type = typeof read === 'string' && medium?.mimeTypes.known.has(read) ? read : 'application/octet-stream';
  const name = encodeURIComponent(basename(filepath).toWellFormed()).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return {
    // Most texts are in UTF-8, and browsers assume an older encoding. A byte order mark overrides it.
    'Content-Type': type.startsWith('text/') ? `${type}; charset=utf-8` : type,
    'Content-Security-Policy': type === 'application/pdf' ? PDF_POLICY : FILE_POLICY,
    'Content-Disposition': `${medium?.mimeTypes.inline.has(type) ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`,
  };
}
