/**
 * Reads XML strictly: no document type, so no entities beyond the five of XML itself, and nothing that is fetched or
 * that grows.
 */
import sax from 'sax';

/** An element with all that is in it. */
export interface XmlElement {
  name: string;
  attributes: ReadonlyMap<string, string>;
  /** The text directly in it. */
  text: string;
  children: XmlElement[];
  /** From 1. */
  line: number;
}

/** XML that breaks the rules. `line` and `column` count from 1. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** Formats have up to 6. */
const MAX_DEPTH = 32;
/** Elements that are kept at a time: 50,000 objects of one image. They take many times the memory of their text. */
const MAX_ELEMENTS = 500_000;

export interface XmlReader {
  /** @throws XmlError */
  write(text: string): void;
  /** @throws XmlError if elements are open, or if there was none */
  end(): void;
  /** The line that the next text begins in, from 1. */
  line(): number;
}

/**
 * Creates a reader that hands over the elements at a depth, each when it is complete. The root has a depth of 0.
 *
 * @param onElement is also told the position, in characters, of the element's start in all that was written
 * @param onRoot is told the root's name
 */
export function createXmlReader(
  depth: number,
  onElement: (element: XmlElement, start: number) => void,
  onRoot: (name: string) => void = () => {},
): XmlReader {
  const options: sax.SAXOptions & { strictEntities: boolean } = { strictEntities: true };
  const parser = sax.parser(true, options);
  const open: XmlElement[] = [];
  let start = 0;
  let hasRoot = false;
  let kept = 0;
  const fail = (message: string) => {
    throw new XmlError(message, parser.line + 1, parser.column + 1);
  };
  parser.onerror = (error) => fail(error.message.split('\n')[0] ?? '');
  parser.ondoctype = () => fail('A document type (<!DOCTYPE) is not allowed');
  parser.onopentagstart = () => {
    if (hasRoot && open.length === 0) fail('There is a second root');
    if (open.length >= MAX_DEPTH) fail(`Elements are nested more than ${MAX_DEPTH} deep`);
  };
  parser.onopentag = ({ name, attributes }) => {
    const values = new Map(Object.entries(attributes).map(([key, value]) => [key, String(value)]));
    const element: XmlElement = { name, attributes: values, text: '', children: [], line: parser.line + 1 };
    if (open.length <= depth) kept = 0;
    kept += 1;
    if (kept > MAX_ELEMENTS) fail(`There are over ${MAX_ELEMENTS} elements in one`);
    if (open.length === 0) onRoot(name);
    hasRoot = true;
    if (open.length === depth) start = parser.startTagPosition - 1;
    if (open.length > depth) open.at(-1)?.children.push(element);
    open.push(element);
  };
  const addText = (text: string) => {
    const element = open.at(-1);
    if (element !== undefined && open.length > depth) element.text += text;
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.onclosetag = () => {
    const element = open.pop();
    if (element !== undefined && open.length === depth) onElement(element, start);
  };
  return {
    write(text) {
      parser.write(text);
    },
    end() {
      parser.close();
      if (!hasRoot) fail('There is no element');
    },
    line: () => parser.line + 1,
  };
}

/** The root of a document. @throws XmlError */
export function parseXml(text: string): XmlElement {
  const roots: XmlElement[] = [];
  const reader = createXmlReader(0, (element) => roots.push(element));
  reader.write(text);
  reader.end();
  // A reader that ends without an error has handed over the root.
  return roots[0] as XmlElement;
}

/** The first child of a name. */
export const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name);

/** The text of the first child of a name, without the space around it. Undefined if it is blank. */
export const textOf = (element: XmlElement | undefined, name: string): string | undefined =>
  childOf(element, name)?.text.trim() || undefined;
