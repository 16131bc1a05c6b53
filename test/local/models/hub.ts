import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A hub of models and its CDN, on two ports, with the answers that the public hub gives. */
export interface Hub extends AsyncDisposable {
  url: string;
  cdnUrl: string;
  /** Each request that has come, in order. */
  requests: HubRequest[];
  /** The repository's commit. */
  sha: string;
  files: Record<string, Buffer>;
  /** Called before each answer. It may answer itself, and then returns true. */
  intercept: ((request: HubRequest, response: ServerResponse) => boolean) | undefined;
  /** False for a server that ignores ranges. */
  ranges: boolean;
  /** Entries on a page of the listing. */
  pageSize: number;
  /** Changes the listing before it is sent. */
  editTree: (tree: TreeEntry[]) => TreeEntry[];
  /** The requests for the content of a file. */
  contentRequests(path: string): HubRequest[];
}

export interface HubRequest {
  server: 'hub' | 'cdn';
  /** With its query. */
  url: string;
  headers: IncomingMessage['headers'];
}

export interface TreeEntry {
  type: string;
  path: string;
  size: number;
  oid: string;
  lfs?: { oid: string; size: number; pointerSize: number };
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
export const gitSha1 = (bytes: Buffer) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** Graphs and tokenizers are large files, which the CDN serves. */
const isLarge = (path: string) => !path.endsWith('config.json');

/** Starts a hub with one repository. It is stopped when it is disposed. */
export async function startHub(repository: string, files: Record<string, Buffer>): Promise<Hub> {
  const server = createServer((request, response) => answer('hub', request, response));
  const cdn = createServer((request, response) => answer('cdn', request, response));
  const hub: Hub = {
    url: await listen(server),
    cdnUrl: await listen(cdn),
    requests: [],
    sha: createHash('sha1').update(randomUUID()).digest('hex'),
    files,
    intercept: undefined,
    ranges: true,
    pageSize: 1000,
    editTree: (tree) => tree,
    contentRequests: (path) =>
      hub.requests.filter(({ server: at, url }) => at === 'cdn' && url.startsWith(`/${path}?`)),
    async [Symbol.asyncDispose]() {
      for (const each of [server, cdn]) {
        each.closeAllConnections();
        each.close();
        await once(each, 'close');
      }
    },
  };

  function answer(at: HubRequest['server'], { url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const request = { server: at, url, headers };
    hub.requests.push(request);
    if (hub.intercept?.(request, response)) return;
    const { pathname } = new URL(url, hub.url);
    const content = `/${repository}/resolve/${hub.sha}/`;
    const path = at === 'cdn' ? pathname.slice(1) : decodeURIComponent(pathname.slice(content.length));
    if (at === 'cdn') send(path, headers.range, response);
    else if (pathname.startsWith(`/api/models/${repository}/revision/`))
      json(response, { id: repository, sha: hub.sha });
    else if (pathname === `/api/models/${repository}/tree/${hub.sha}`) sendTree(new URL(url, hub.url), response);
    else if (!pathname.startsWith(content) || hub.files[path] === undefined)
      refuse(response, 404, { 'x-error-code': 'EntryNotFound' });
    else if (isLarge(path)) refuse(response, 302, { location: `${hub.cdnUrl}/${path}?signature=secret` });
    else send(path, headers.range, response);
  }

  function sendTree(url: URL, response: ServerResponse): void {
    const tree = hub.editTree(treeOf(hub.files));
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const next = from + hub.pageSize;
    url.searchParams.set('cursor', String(next));
    json(response, tree.slice(from, next), next < tree.length ? { link: `<${url.href}>; rel="next"` } : {});
  }

  function send(path: string, range: string | undefined, response: ServerResponse): void {
    const bytes = hub.files[path] as Buffer;
    const from = hub.ranges && range !== undefined ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    const partial = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? partial : {});
    response.end(bytes.subarray(from));
  }

  return hub;
}

function treeOf(files: Record<string, Buffer>): TreeEntry[] {
  const folders = new Set(Object.keys(files).flatMap((path) => (path.includes('/') ? [path.split('/')[0] ?? ''] : [])));
  return [
    ...[...folders].map((path) => ({ type: 'directory', path, size: 0, oid: '0'.repeat(40) })),
    ...Object.entries(files).map(([path, bytes]) => {
      // The object of a large file is a pointer to it.
      if (!isLarge(path)) return { type: 'file', path, size: bytes.length, oid: gitSha1(bytes) };
      const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 134 };
      return { type: 'file', path, size: bytes.length, oid: 'a'.repeat(40), lfs };
    }),
  ];
}

function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers);
  response.end('no');
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
