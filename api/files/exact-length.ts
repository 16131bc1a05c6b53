/**
 * Passes on a body whose length was announced, and fails if it ends early. Otherwise the caller would read the next
 * answer on the connection as the rest of this one.
 */
export function exactLength(bytes: number, onShort: () => void): TransformStream<Uint8Array, Uint8Array> {
  let missing = bytes;
  return new TransformStream({
    transform(chunk, controller) {
      missing -= chunk.length;
      controller.enqueue(chunk);
    },
    flush(controller) {
      if (missing === 0) return;
      onShort();
      controller.error(new Error(`A file was cut short while it was sent: ${missing} bytes are missing.`));
    },
  });
}
