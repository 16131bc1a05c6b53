import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Api, createApi } from '../../../api/app.ts';
import type { ApiContext } from '../../../api/context.ts';
import type { ApiSettings } from '../../../api/settings.ts';
import { openContext } from '../../../api/start-server.ts';
import type { Store } from '../../../core/store/store.ts';
import { until } from '../../support/patience.ts';
import { type Checked, checker } from './conformance.ts';

/** The API in this process, without a port. Every answer that `call` gives was checked against the document. */
export interface TestApi {
  api: Api;
  context: ApiContext;
  /** Messages that were logged as faults of the API. */
  faults: string[];
  call(method: string, path: string, options?: CallOptions): Promise<Checked>;
  get(path: string, headers?: Record<string, string>): Promise<Checked>;
  post(path: string, json?: unknown, headers?: Record<string, string>): Promise<Checked>;
  close(): Promise<void>;
}

export interface CallOptions {
  headers?: Record<string, string>;
  body?: string | ReadableStream;
}

export const settingsFor = (uri: string, change: Partial<ApiSettings> = {}): ApiSettings => ({
  host: '127.0.0.1',
  port: 0,
  mongodbUri: uri,
  env: { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_CONFIG_FILE: join(tmpdir(), 'plimsoll-no-such.toml') },
  tokens: [],
  sourceRoots: undefined,
  modelFolders: [],
  hostNames: [],
  origins: [],
  thumbnailFolder: join(tmpdir(), 'plimsoll-no-thumbnails'),
  thumbnailBytes: 64 * 1024 * 1024,
  maxStreams: 2000,
  ...change,
});

/** The connection string of a store of the run's shared mongod. */
export function uriOf({ database }: Store): string {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/${database}`;
  return uri.href;
}

/** Opens the API over a store's database, and awaits that it is ready. */
export async function openTestApi(
  store: Store,
  change: Partial<ApiSettings> = {},
  reads: Partial<Pick<ApiContext, 'sources' | 'media'>> = {},
): Promise<TestApi> {
  const opened = await openUnready({ mongodbUri: uriOf(store), ...change }, reads);
  const { backends, changes } = opened.context;
  await Promise.all([backends.mongodb.untilReady(), backends.temporal.untilReady()]);
  await until(() => changes.ready);
  return opened;
}

/** Opens the API, whether or not its servers run. */
export async function openUnready(
  change: Partial<ApiSettings> & { mongodbUri: string },
  reads: Partial<Pick<ApiContext, 'sources' | 'media'>> = {},
): Promise<TestApi> {
  const thumbnailFolder = await mkdtemp(join(tmpdir(), 'plimsoll-thumbnails-'));
  const faults: string[] = [];
  const log = (message: string, error?: unknown) =>
    void faults.push(`${message} ${error instanceof Error ? error.stack : String(error)}`);
  const context = openContext(settingsFor(change.mongodbUri, { thumbnailFolder, ...change }), log, reads);
  const api = createApi(context);
  const check = checker(api.document);
  const call = async (method: string, path: string, { headers = {}, body }: CallOptions = {}) => {
    const init = { method, headers: { host: 'localhost', ...headers } };
    const request = new Request(
      `http://localhost${path}`,
      body === undefined ? init : { ...init, body, duplex: 'half' },
    );
    return check(method, path, await api.fetch(request));
  };
  return {
    api,
    context,
    faults,
    call,
    get: (path, headers = {}) => call('GET', path, { headers }),
    post: (path, json, headers = {}) =>
      call('POST', path, {
        headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      }),
    async close() {
      api.close();
      context.thumbnails.close();
      await context.searcher.close();
      await context.changes.stop();
      await context.backends.close();
      await rm(thumbnailFolder, { recursive: true, force: true });
    },
  };
}
