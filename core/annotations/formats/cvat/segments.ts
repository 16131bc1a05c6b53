/** A part of a file from one `<image` to the next. */
export interface Segment {
  bytes: Buffer;
  /** Where it begins in the file. */
  offset: number;
}

const MARK = Buffer.from('<image');
/** What may follow the name of an element. */
const ENDS = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Cuts the bytes of a file before each `<image `. A comment may have one, too, so the parser decides whether an image
 * begins there.
 *
 * @param max the most bytes of a segment: `onTooLong` throws
 */
export async function* segmentsOf(
  stream: AsyncIterable<Buffer>,
  start: number,
  max: number,
  onTooLong: (offset: number) => never,
): AsyncGenerator<Segment> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = start;
  for await (const bytes of stream) {
    // Where the rest was searched already, but for a mark that is cut.
    let from = Math.max(1, rest.length - MARK.length);
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let begin = 0;
    for (
      let at = rest.indexOf(MARK, from);
      at !== -1 && at + MARK.length < rest.length;
      at = rest.indexOf(MARK, from)
    ) {
      from = at + 1;
      if (!ENDS.has(rest[at + MARK.length] ?? 0)) continue;
      yield { bytes: rest.subarray(begin, at), offset: offset + begin };
      begin = at;
    }
    offset += begin;
    // A copy, so that the large buffer is not kept.
    rest = Buffer.from(rest.subarray(begin));
    if (rest.length > max) onTooLong(offset);
  }
  if (rest.length > 0) yield { bytes: rest, offset };
}
