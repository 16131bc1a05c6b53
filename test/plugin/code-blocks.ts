/** Blocks of TypeScript in a document. The first line of each is a comment with its name. */
export function codeBlocks(markdown: string): { name: string; text: string }[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = '']) => {
    const [, name] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
    if (name === undefined) throw new Error(`A block has no name: ${text}`);
    return { name, text };
  });
}
