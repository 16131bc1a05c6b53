/** An error's message without the sentences that say which command to type, as "List them: plimsoll jobs": over HTTP there is none. */
export function withoutCommands(message: string): string {
  const sentences = message.split(/(?<=\.) /);
  return sentences.filter((sentence) => !/: plimsoll [a-z]/.test(sentence)).join(' ') || message;
}
