import type { JsonElement, JsonPosition, JsonReading } from './json-position.ts';
import { createSplitter } from './json-splitter.ts';

export type { JsonElement, JsonPosition, JsonReading } from './json-position.ts';

/** What was found in some bytes. */
export interface JsonBatch {
  elements: JsonElement[];
  position: JsonPosition;
}

/**
 * Splits a large JSON document, an object of lists or a list, into elements without parsing them. It holds one element
 * and one chunk. A member that the document has twice is handed over twice.
 *
 * @param chunks the bytes from `from.offset` on
 * @throws UserError AnnotationsBroken if it is not JSON, is cut, goes on behind its end, is not UTF-8, or has an element
 *   above 64 MiB. Columns count bytes.
 */
export async function* jsonElements(chunks: AsyncIterable<Buffer>, reading: JsonReading): AsyncGenerator<JsonBatch> {
  const splitter = createSplitter(reading);
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    for (let at = 0; at < chunk.length; ) {
      const elements: JsonElement[] = [];
      at = splitter.split(chunk, at, elements);
      yield { elements, position: splitter.position() };
    }
    splitter.pass(chunk);
  }
  splitter.finish();
}
