/**
 * Text as a double-quoted scalar of YAML. Parsers of YAML 1.1 take a plain `no` for false, and refuse some characters
 * that JSON leaves as they are.
 */
export const yamlText = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
