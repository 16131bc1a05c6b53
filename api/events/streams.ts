import type { Context } from 'hono';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import { createFeed, type Feed } from './feed.ts';

/** The open streams, limited in number. */
export interface Streams {
  readonly open: number;
  /** Answers with a stream. `begin` fills it and returns its cleanup function. @throws ProblemError TooManyStreams */
  answer(c: Context<ApiEnv>, begin: (feed: Feed) => () => void): Response;
  /** Ends all streams. */
  close(): void;
}

export const HEARTBEAT_MS = 15_000;

export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Asks nginx and similar proxies not to buffer events.
  'X-Accel-Buffering': 'no',
};

export function createStreams({ most, heartbeatMs = HEARTBEAT_MS }: { most: number; heartbeatMs?: number }): Streams {
  const feeds = new Set<Feed>();
  return {
    get open() {
      return feeds.size;
    },
    answer(c, begin) {
      if (feeds.size >= most)
        throw problemOf('TooManyStreams', `${most} streams are open, as many as this server holds. Try again later.`, {
          headers: { 'Retry-After': '10' },
        });
      let stop = () => {};
      let over = false;
      const feed = createFeed({
        heartbeatMs,
        onOver() {
          over = true;
          feeds.delete(feed);
          stop();
        },
        cut: () => c.env?.outgoing?.destroy(),
      });
      feeds.add(feed);
      stop = begin(feed);
      if (over) stop();
      return c.body(feed.stream, 200, STREAM_HEADERS);
    },
    close() {
      for (const feed of feeds) feed.end();
    },
  };
}
