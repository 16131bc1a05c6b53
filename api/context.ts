import type { HttpBindings } from '@hono/node-server';
import type { Media } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import type { ApiBackends } from './backends/backends.ts';
import type { Counts } from './datasets/count-tags.ts';
import type { Kept } from './datasets/keep.ts';
import type { Changes } from './events/changes.ts';
import type { Scope } from './schemas/server.ts';
import type { ApiSettings } from './settings.ts';
import type { Thumbnails } from './thumbnails/thumbnails.ts';

/** What the routes work with. */
export interface ApiContext {
  settings: ApiSettings;
  backends: ApiBackends;
  /** Where samples' files are read. */
  sources: Sources;
  media: Media;
  changes: Changes;
  thumbnails: Thumbnails;
  /** The tags of a dataset, which are counted no more often than they need be. */
  tagCounts: Kept<Counts>;
  /** Hears of faults of ours, with what they were found in. */
  log(message: string, error?: unknown): void;
}

/** Hono's environment: who calls. */
export interface ApiEnv {
  Bindings: Partial<HttpBindings>;
  Variables: {
    /** Null without a valid token. */
    scope: Scope | null;
  };
}
