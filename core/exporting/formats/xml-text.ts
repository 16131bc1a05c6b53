/** What XML 1.0 can't hold, not even escaped: control characters and two others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Whether XML 1.0 can hold a text. Source: https://www.w3.org/TR/xml/#charsets */
export const isXml = (text: string): boolean => !FORBIDDEN.test(text) && text.isWellFormed();

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
]);

/** Text of an element. White space is written by its number, so that readers keep it. What XML can't hold becomes `�`. */
export const xmlText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(new RegExp(FORBIDDEN, 'g'), '\ufffd')
    .replaceAll(/[&<>\t\n\r\u0085\u2028]/g, (character) => ESCAPES.get(character) ?? `&#${character.charCodeAt(0)};`);
