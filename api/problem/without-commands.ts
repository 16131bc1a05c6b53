/** Removes sentences that suggest a command, such as "List them: plimsoll jobs", which an HTTP caller can't type. */
export function withoutCommands(message: string): string {
  const sentences = message.split(/(?<=\.) /);
  return sentences.filter((sentence) => !/: plimsoll [a-z]/.test(sentence)).join(' ') || message;
}
