import type { Failure } from './failure.ts';
import { type Paint, paintFor } from './paint.ts';
import { printableLines } from './printable.ts';

/** Where a command's words go: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  /** Colours of stdout. */
  readonly paint: Paint;
  /** Columns of stdout; infinite where it is no terminal. */
  readonly width: number;
  /** Writes the command's result: the document for `--json`, or the lines for people. Called once a run. */
  result(document: unknown, lines: () => readonly string[]): void;
  /** Writes a line for people, whatever the format of the result is. */
  note(line: string): void;
  fail(failure: Failure): void;
}

export function createOutput(options: { json?: boolean | undefined }): Output {
  const json = options.json === true;
  const note = (line: string) => void process.stderr.write(`${line}\n`);
  return {
    json,
    paint: paintFor(process.stdout),
    width: widthOf(process.stdout),
    result(document, lines) {
      writeLines(json ? [JSON.stringify(document, undefined, 2)] : lines());
    },
    note,
    fail({ code, message, stack, status }) {
      if (json)
        return writeLines([
          JSON.stringify({ error: { code, message }, ...(status === undefined ? {} : { status }) }, undefined, 2),
        ]);
      if (code === 'Interrupted') return note(message);
      const { red, dim } = paintFor(process.stderr);
      note(`${red('error')}: ${printableLines(message)}`);
      // An error that nobody foresaw: where it came from matters more than what it says.
      if (stack !== undefined) note(dim(printableLines(stack.split('\n').slice(1, 4).join('\n'))));
    },
  };
}

const widthOf = ({ isTTY, columns }: NodeJS.WriteStream) => (isTTY && columns > 0 ? columns : Number.POSITIVE_INFINITY);

function writeLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

/** A reader that has seen enough (`| head`) closes the pipe: that is no error, and the command ends as it would have. */
export function endQuietlyOnClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
