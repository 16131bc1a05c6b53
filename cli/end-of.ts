/** The end of a text that must fit into `width` characters, marked where its beginning was cut off. */
export function endOf(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `…${characters.slice(1 - width).join('')}`;
}
