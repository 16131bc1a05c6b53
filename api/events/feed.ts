/**
 * One caller's stream. It holds the latest text of each thing that changed and no more: a caller that reads slowly misses steps,
 * never the last one, and costs the same whatever happens. One that does not read at all is dropped.
 */
export interface Feed {
  readonly stream: ReadableStream<Uint8Array>;
  /** Sends an event; a later one of the same key takes the place of one that was not read yet. */
  send(key: string, event: FeedEvent): void;
  /** Ends the stream behind all that was sent. */
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
  /** Called once when the stream is over, whoever ended it. */
  onOver(): void;
  /** Cuts the connection of a caller that does not read. */
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
      // Emptied first: a reader that waits asks for more from within enqueue.
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
