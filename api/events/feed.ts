/**
 * One caller's stream. It keeps only the latest unread event per key, so memory is bounded: a slow reader misses
 * intermediate states but never the last one. A caller that does not read at all is dropped.
 */
export interface Feed {
  readonly stream: ReadableStream<Uint8Array>;
  /** Sends an event. It replaces an unread event with the same key. */
  send(key: string, event: FeedEvent): void;
  /** Ends the stream after the events that were sent. */
  end(): void;
}

export interface FeedEvent {
  name: string;
  id?: string;
  /** Without a line break. */
  text: string;
}

export interface FeedOptions {
  heartbeatMs: number;
  /** Called once when the stream has ended, whichever side ended it. */
  onOver(): void;
  /** Closes the connection of a caller that does not read. */
  cut(): void;
}

const MOST_PENDING = 1000;

export function createFeed({ heartbeatMs, onOver, cut }: FeedOptions): Feed {
  const pending = new Map<string, string>();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let over = false;
  let ending = false;
  let stalledBeats = 0;

  const heart = setInterval(beat, heartbeatMs);
  heart.unref();

  function finish(): void {
    if (over) return;
    over = true;
    clearInterval(heart);
    pending.clear();
    onOver();
  }

  function drop(): void {
    finish();
    controller?.error(new Error('The caller does not read its stream.'));
    cut();
  }

  function flush(): void {
    if (over || controller === undefined || (controller.desiredSize ?? 0) <= 0) return;
    if (pending.size > 0) {
      // Clear the events first: a waiting reader pulls again from within enqueue.
      const text = [...pending.values()].join('');
      pending.clear();
      stalledBeats = 0;
      controller.enqueue(encode(text));
    }
    if (ending && !over && pending.size === 0) {
      controller.close();
      finish();
    }
  }

  function beat(): void {
    if (over || controller === undefined) return;
    if ((controller.desiredSize ?? 0) > 0) {
      stalledBeats = 0;
      controller.enqueue(encode(': \n\n'));
      return;
    }
    stalledBeats += 1;
    if (stalledBeats >= 2) drop();
  }

  const stream = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
      started.enqueue(encode('retry: 1000\n: \n\n'));
    },
    pull: flush,
    cancel: finish,
  });
  return {
    stream,
    send(key, { name, id, text }) {
      if (over || ending) return;
      pending.delete(key);
      pending.set(key, `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${text}\n\n`);
      if (pending.size > MOST_PENDING) drop();
      else flush();
    },
    end() {
      ending = true;
      flush();
    },
  };
}

const encoder = new TextEncoder();
const encode = (text: string) => encoder.encode(text);
