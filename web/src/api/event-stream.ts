/** An event of a `text/event-stream`. */
export interface ServerEvent {
  event: string;
  data: string;
  /** Value of Last-Event-ID with which to continue after this event; empty if the stream has sent none. */
  id: string;
}

/**
 * Yields the events of a stream, each as soon as it is complete, and skips comments. EventSource can't report the
 * status of a refused connection, so the page uses fetch.
 */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  onActivity: () => void = () => {},
): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  let event = '';
  let data: string[] = [];
  let id = '';
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      onActivity();
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n'), id };
          event = '';
          data = [];
          continue;
        }
        const colon = line.indexOf(':');
        if (colon === 0) continue;
        const field = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'event') event = content;
        if (field === 'data') data.push(content);
        if (field === 'id') id = content;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
