/** An event of a `text/event-stream`. */
export interface ServerEvent {
  event: string;
  data: string;
  /** What to send as Last-Event-ID to go on behind it; empty where the stream has not said. */
  id: string;
}

/**
 * The events of a stream, each as soon as it is whole. Comments are passed over. We read it by fetch and not by
 * EventSource because that one can send no token.
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
