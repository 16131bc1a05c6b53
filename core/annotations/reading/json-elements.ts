import { isUtf8 } from 'node:buffer';
import { UserError } from '../../errors.ts';
import { endOfValue, isSpace, type OpenValue, openValue, QUOTE } from './json-tokens.ts';

/** An element of a list of the top-level object, or a member that is no list. */
export interface JsonElement {
  /** The member's name. Empty if the list is the whole document. */
  section: string;
  /** Whether it is an element of a list, not the member itself. */
  inList: boolean;
  /** Its JSON, which need not be valid. */
  bytes: Buffer;
  /** Where it begins. Lines and columns count from 1, columns in bytes. */
  offset: number;
  line: number;
  column: number;
}

/** What is expected next. */
type State =
  | 'document'
  | 'first name'
  | 'name'
  | 'colon'
  | 'member'
  | 'after member'
  | 'first element'
  | 'element'
  | 'after element'
  | 'end';

/** A position between two values of a document, from which it can be read on. */
export interface JsonPosition {
  state: State;
  section: string;
  /** The document is a list, not an object. */
  isList: boolean;
  /** In bytes. `lineStart` is where the line begins. */
  offset: number;
  line: number;
  lineStart: number;
}

/** What was found in some bytes. */
export interface JsonBatch {
  elements: JsonElement[];
  position: JsonPosition;
}

export interface JsonReading {
  /** The file's name, for messages. */
  path: string;
  /**
   * Whether a member is read. The others are passed over without being held. Called where the member's value begins.
   * A document that is a list is the section ''.
   */
  wants(section: string, at: JsonPosition): boolean;
  from?: JsonPosition | undefined;
}

/** The largest element that is held. */
const MAX_ELEMENT_BYTES = 64 << 20;
/** The most elements of a batch. */
const MAX_ELEMENTS = 1000;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const NEWLINE = 0x0a;
const LIST = 0x5b;

const START: JsonPosition = { state: 'document', section: '', isList: false, offset: 0, line: 1, lineStart: 0 };

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

/** A value that has begun: an element, a member, or a member's name. */
interface Begun extends OpenValue {
  /** Its bytes in former chunks. Undefined if it is passed over. */
  held: Buffer[] | undefined;
  heldBytes: number;
  start: JsonPosition;
}

/** Follows a document through its chunks. `split` reads on in a chunk and returns the index that it came to. */
function createSplitter({ path, wants, from = START }: JsonReading) {
  let { state, section, isList, line, lineStart } = from;
  /** The offset of the chunk's first byte. */
  let base = from.offset;
  let begun: Begun | undefined;
  /** Newlines before this offset are counted. The next is at `newline`, an index of the chunk; -1 if it is to be found. */
  let counted = base;
  let newline = -1;
  let marks = 0;

  function countLines(chunk: Buffer, to: number): void {
    if (newline === -1) newline = nextNewline(chunk, 0);
    if (newline < to) {
      for (let at = newline; at < to; at++) {
        if (chunk[at] !== NEWLINE) continue;
        line++;
        lineStart = base + at + 1;
      }
      newline = nextNewline(chunk, to);
    }
    counted = base + to;
  }

  function broken(what: string, at: Place): UserError {
    const { column } = placeOf(at);
    return new UserError('AnnotationsBroken', `${path}: line ${at.line}, column ${column}: ${what}.`);
  }

  function brokenAt(chunk: Buffer, at: number, what: string): UserError {
    countLines(chunk, at);
    return broken(what, { line, lineStart, offset: base + at });
  }

  function begin(chunk: Buffer, at: number, isHeld: (start: JsonPosition) => boolean): void {
    countLines(chunk, at);
    const start = { state, section, isList, offset: base + at, line, lineStart };
    const value = openValue(chunk[at] as number);
    if (value === undefined) throw broken(`a value is expected, not ${shown(chunk[at] as number)}`, start);
    begun = { ...value, start, held: isHeld(start) ? [] : undefined, heldBytes: 0 };
  }

  /** Begins a member's value, or goes into it if it is a list that is read. */
  function beginMember(chunk: Buffer, at: number): void {
    let isWanted = false;
    begin(chunk, at, (start) => {
      isWanted = wants(section, start);
      return isWanted;
    });
    if (!isWanted || chunk[at] !== LIST) return;
    begun = undefined;
    state = 'first element';
  }

  const afterMember = (): State => (isList ? 'end' : 'after member');

  /** Ends the value that has begun. Its last bytes are given. */
  function finishValue(value: Begun, last: Buffer, elements: JsonElement[]): void {
    begun = undefined;
    const isElement = state === 'element' || state === 'first element';
    const isName = state === 'name' || state === 'first name';
    state = isElement ? 'after element' : isName ? 'colon' : afterMember();
    if (value.held === undefined) return;
    const bytes = value.held.length === 0 ? last : Buffer.concat([...value.held, last]);
    if (!isUtf8(bytes)) throw broken('the text is not UTF-8', value.start);
    if (isName) section = nameOf(bytes, value.start);
    else elements.push({ section, inList: isElement, bytes, ...placeOf(value.start) });
  }

  function nameOf(bytes: Buffer, start: JsonPosition): string {
    try {
      return JSON.parse(bytes.toString()) as string;
    } catch {
      throw broken('the name of a member is no valid JSON', start);
    }
  }

  /** Reads on in the value that has begun. Returns the index behind it, or the end of the chunk. */
  function readValue(value: Begun, chunk: Buffer, at: number, elements: JsonElement[]): number {
    const end = endOfValue(value, chunk, at);
    const bytes = value.held === undefined ? chunk : chunk.subarray(at, end === -1 ? chunk.length : end);
    if (value.held !== undefined) {
      value.heldBytes += bytes.length;
      if (value.heldBytes > MAX_ELEMENT_BYTES)
        throw broken(`an element is larger than ${MAX_ELEMENT_BYTES} bytes`, value.start);
    }
    if (end !== -1) {
      finishValue(value, bytes, elements);
      return end;
    }
    value.held?.push(bytes);
    return chunk.length;
  }

  /** Takes a byte that is no space, between values. */
  function take(chunk: Buffer, at: number): void {
    const byte = chunk[at] as number;
    const character = byte < 128 ? String.fromCharCode(byte) : '';
    const unexpected = (expected: string) => brokenAt(chunk, at, `${expected} is expected, not ${shown(byte)}`);
    switch (state) {
      case 'document':
        if (byte === BYTE_ORDER_MARK[marks] && base + at === marks) {
          marks++;
          lineStart = marks;
          return;
        }
        if (base + at < 2 && (byte === 0xff || byte === 0xfe))
          throw brokenAt(chunk, at, 'the text is UTF-16; save it as UTF-8');
        if ((character !== '{' && character !== '[') || marks % 3 !== 0) throw unexpected('{ or [');
        isList = character === '[';
        state = isList ? 'member' : 'first name';
        if (isList) beginMember(chunk, at);
        return;
      case 'first name':
      case 'name':
        if (character === '}' && state === 'first name') state = 'end';
        else if (byte !== QUOTE) throw unexpected(state === 'name' ? 'a name' : 'a name or }');
        else begin(chunk, at, () => true);
        return;
      case 'colon':
        if (character !== ':') throw unexpected('a colon');
        state = 'member';
        return;
      case 'member':
        beginMember(chunk, at);
        return;
      case 'first element':
      case 'element':
        if (character === ']' && state === 'first element') state = afterMember();
        else begin(chunk, at, () => true);
        return;
      case 'after element':
        if (character === ',') state = 'element';
        else if (character === ']') state = afterMember();
        else throw unexpected('a comma or ]');
        return;
      case 'after member':
        if (character === ',') state = 'name';
        else if (character === '}') state = 'end';
        else throw unexpected('a comma or }');
        return;
      case 'end':
        throw brokenAt(chunk, at, 'something follows the end of the document');
    }
  }

  return {
    split(chunk: Buffer, start: number, elements: JsonElement[]): number {
      let at = start;
      while (at < chunk.length && elements.length < MAX_ELEMENTS) {
        if (begun !== undefined) at = readValue(begun, chunk, at, elements);
        else if (isSpace(chunk[at] as number)) at++;
        else {
          take(chunk, at);
          if (begun === undefined) at++;
        }
      }
      countLines(chunk, at);
      return at;
    },
    /** The chunk is read to its end. */
    pass(chunk: Buffer): void {
      base += chunk.length;
      newline = -1;
    },
    position: (): JsonPosition => begun?.start ?? { state, section, isList, offset: counted, line, lineStart },
    finish(): void {
      if (state === 'end') return;
      throw broken('the document ends too early', { line, lineStart, offset: counted });
    },
  };
}

type Place = Pick<JsonPosition, 'offset' | 'line' | 'lineStart'>;

const placeOf = ({ offset, line, lineStart }: Place) => ({ offset, line, column: offset - lineStart + 1 });

/** The index of the next newline, or one that no chunk has. */
function nextNewline(chunk: Buffer, from: number): number {
  const at = chunk.indexOf(NEWLINE, from);
  return at === -1 ? Number.MAX_SAFE_INTEGER : at;
}

/** A byte as a message names it. */
const shown = (byte: number) =>
  byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `the byte 0x${byte.toString(16).padStart(2, '0')}`;
