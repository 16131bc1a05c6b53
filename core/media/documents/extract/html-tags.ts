import { Tokenizer } from 'htmlparser2';

/** Gets the tags and texts of a document, in order. Names are in lower case. An opened tag may never be closed. */
export interface TagHandler {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  close(name: string): void;
  text(words: string): void;
}

/** XHTML has empty elements (`<script/>`), and HTML's entities. XML knows neither those nor special elements. */
export type Dialect = 'html' | 'xhtml' | 'xml';

/** Reads tags and text, in linear time. Parsers that balance tags take a minute for 100,000 nested elements. */
export function readTags(html: string, dialect: Dialect, handler: TagHandler): void {
  let name = '';
  let attributes: Record<string, string> = {};
  let attribute = '';
  let value = '';

  function open(): void {
    handler.open(name, attributes);
    attributes = {};
  }
  const tokenizer = new Tokenizer(
    { xmlMode: dialect === 'xml', decodeEntities: true },
    {
      onopentagname(start, end) {
        name = html.slice(start, end).toLowerCase();
      },
      onopentagend: open,
      onselfclosingtag() {
        open();
        if (dialect !== 'html') handler.close(name);
      },
      onclosetag: (start, end) => handler.close(html.slice(start, end).toLowerCase()),
      onattribname(start, end) {
        attribute = html.slice(start, end).toLowerCase();
        value = '';
      },
      onattribdata(start, end) {
        value += html.slice(start, end);
      },
      onattribentity(codePoint) {
        value += String.fromCodePoint(codePoint);
      },
      onattribend() {
        if (!Object.hasOwn(attributes, attribute)) attributes[attribute] = value;
      },
      ontext: (start, end) => handler.text(html.slice(start, end)),
      ontextentity: (codePoint) => handler.text(String.fromCodePoint(codePoint)),
      oncdata(start, end, endOffset) {
        if (dialect === 'xml') handler.text(html.slice(start, end - endOffset));
      },
      oncomment() {},
      ondeclaration() {},
      onprocessinginstruction() {},
      onend() {},
    },
  );
  tokenizer.write(html);
  tokenizer.end();
}
