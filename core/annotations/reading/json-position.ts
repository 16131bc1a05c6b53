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
export type State =
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

export const START: JsonPosition = { state: 'document', section: '', isList: false, offset: 0, line: 1, lineStart: 0 };

export type Place = Pick<JsonPosition, 'offset' | 'line' | 'lineStart'>;

/** A position as messages name it. */
export const placeOf = ({ offset, line, lineStart }: Place) => ({ offset, line, column: offset - lineStart + 1 });
