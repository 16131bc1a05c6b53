import type { Failure } from './failure.ts';
import { type Paint, paintFor } from './terminal/paint.ts';
import { printableLines } from './terminal/printable.ts';

/** The outputs of a command: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  /** Colours of stdout. */
  readonly paint: Paint;
  /** Columns of stdout; infinite if stdout is no terminal. */
  readonly width: number;
  /** Writes the command's result: with `--json` the document, else the lines. Called once per run. */
  result(document: unknown, lines: () => readonly string[]): void;
  /** Writes a line for people, with or without `--json`. */
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
      // An unforeseen error: its origin matters more than its message.
      if (stack !== undefined) note(dim(printableLines(stack.split('\n').slice(1, 4).join('\n'))));
    },
  };
}

const widthOf = ({ isTTY, columns }: NodeJS.WriteStream) => (isTTY && columns > 0 ? columns : Number.POSITIVE_INFINITY);

function writeLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

/** A reader such as `head` closes the pipe when it has seen enough. That is no error, and the command ends as usual. */
export function endQuietlyOnClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
