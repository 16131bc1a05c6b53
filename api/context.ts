import type { HttpBindings } from '@hono/node-server';
import type { Media } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import type { StartClaim } from '../core/store/start-keys.ts';
import type { Searcher } from '../search/searcher.ts';
import type { ApiBackends } from './backends/backends.ts';
import type { Counts } from './datasets/count-tags.ts';
import type { Kept } from './datasets/keep.ts';
import type { Changes } from './events/changes.ts';
import type { Scope } from './schemas/server.ts';
import type { ApiSettings } from './settings.ts';
import type { Thumbnails } from './thumbnails/thumbnails.ts';

/** The settings, servers and caches that the routes share. */
export interface ApiContext {
  settings: ApiSettings;
  backends: ApiBackends;
  /** Reads the files of samples. */
  sources: Sources;
  media: Media;
  changes: Changes;
  thumbnails: Thumbnails;
  searcher: Searcher;
  /** Tag counts per dataset, cached because counting them can be slow. */
  tagCounts: Kept<Counts>;
  /** Logs internal errors with the request or task in which they occurred. */
  log(message: string, error?: unknown): void;
}

/** Hono's environment, with the caller's scope. */
export interface ApiEnv {
  Bindings: Partial<HttpBindings>;
  Variables: {
    /** Null without a valid token. */
    scope: Scope | null;
    /** The claim of the request's `Idempotency-Key`. */
    claim: StartClaim | undefined;
    /** The caller's `X-Request-Id`, or one of ours. */
    requestId: string;
  };
}
