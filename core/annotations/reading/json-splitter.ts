import { isUtf8 } from 'node:buffer';
import { UserError } from '../../errors.ts';
import {
  type JsonElement,
  type JsonPosition,
  type JsonReading,
  type Place,
  placeOf,
  START,
  type State,
} from './json-position.ts';
import { endOfValue, isSpace, type OpenValue, openValue, QUOTE } from './json-tokens.ts';

/** The largest element that is held. */
const MAX_ELEMENT_BYTES = 64 << 20;
/** The longest name of a member: positions have names, and stay small. */
const MAX_NAME_BYTES = 1024;
/** The most elements of a batch. */
const MAX_ELEMENTS = 1000;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const NEWLINE = 0x0a;
const LIST = 0x5b;

/** A value that has begun: an element, a member, or a member's name. */
interface Begun extends OpenValue {
  /** Its bytes in former chunks. Undefined if it is passed over. */
  held: Buffer[] | undefined;
  heldBytes: number;
  start: JsonPosition;
}

/** Follows a document through its chunks. `split` reads on in a chunk and returns the index that it came to. */
export function createSplitter({ path, wants, from = START }: JsonReading) {
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

  const isName = () => state === 'name' || state === 'first name';
  const afterMember = (): State => (isList ? 'end' : 'after member');

  /** Ends the value that has begun. Its last bytes are given. */
  function finishValue(value: Begun, last: Buffer, elements: JsonElement[]): void {
    begun = undefined;
    const isElement = state === 'element' || state === 'first element';
    const wasName = isName();
    state = isElement ? 'after element' : wasName ? 'colon' : afterMember();
    if (value.held === undefined) return;
    const bytes = value.held.length === 0 ? last : Buffer.concat([...value.held, last]);
    if (!isUtf8(bytes)) throw broken('the text is not UTF-8', value.start);
    if (wasName) section = nameOf(bytes, value.start);
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
      const [what, most] = isName() ? ['a name', MAX_NAME_BYTES] : ['an element', MAX_ELEMENT_BYTES];
      if (value.heldBytes > most) throw broken(`${what} is larger than ${most} bytes`, value.start);
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

/** The index of the next newline, or one that no chunk has. */
function nextNewline(chunk: Buffer, from: number): number {
  const at = chunk.indexOf(NEWLINE, from);
  return at === -1 ? Number.MAX_SAFE_INTEGER : at;
}

/** A byte as a message names it. */
const shown = (byte: number) =>
  byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `the byte 0x${byte.toString(16).padStart(2, '0')}`;
