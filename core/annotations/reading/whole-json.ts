import { InvalidValue } from './invalid-value.ts';
import { decodeUtf8 } from './text.ts';

/**
 * Parses a file that is one JSON document. A byte order mark is skipped. Messages begin with line and column.
 *
 * @throws InvalidValue malformed, bad_encoding
 */
export function parseJson(bytes: Buffer): unknown {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new InvalidValue('bad_encoding', 'line 1, column 1: the file is not UTF-8.');
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as SyntaxError;
    const at = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const lines = text.slice(0, at).split('\n');
    const what = message.replace(/ (in JSON )?at position .*/s, '').slice(0, 200);
    throw new InvalidValue('malformed', `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${what}.`);
  }
}
