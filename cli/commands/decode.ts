import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Artifact, DamagedFrame } from '../../core/artifact/open-artifact.ts';
import { wholeNumber } from '../arguments.ts';
import { EXIT } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { printable, printableLines } from '../terminal/printable.ts';
import { counted } from '../terminal/quantities.ts';

interface DecodeOptions {
  chunk?: number[];
  verify?: boolean;
  json?: boolean;
}

const LARGEST_CHUNK = 2 ** 32 - 1;
const parseChunk = wholeNumber(0, LARGEST_CHUNK);

export function addDecodeCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('decode')
    .summary('read the chunks of an artifact: a video of QR codes')
    .description('Reads the chunks of an artifact, which is a video of QR codes. It needs no server.')
    .argument('<file>', 'the video, such as memory.mp4')
    .option('--chunk <n>', 'only this chunk, counted from 0 (repeatable)', (text: string, before: number[] = []) => [
      ...before,
      parseChunk(text),
    ])
    .option('--verify', 'print no chunk; read every frame and name those that are damaged')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Prints the text of each chunk, with an empty line between two. A damaged frame
is named on stderr, and the other chunks are printed.

With --json: {"manifest", "chunks": [...], "damaged": [...]}, a chunk a line.
  manifest  {format, dataset, created_at, chunks, documents, sha256, runs};
            null if both copies are damaged
  chunk     n, document, part, headings, page and record (if it has them),
            start, end, text
  damaged   frame (null if it is missing), chunk (null for the manifest's
            frames), reason
With --verify --json: {"manifest", "frames", "chunks", "readable", "intact",
"damaged"}. readable counts the chunks that can be read whole; intact is true
if they are those that the manifest was made for.

Exit codes: 0 done, 1 damaged or no artifact, 2 wrong usage, 3 no such chunk.

Examples:
  plimsoll decode memory.mp4 --chunk 17
  plimsoll decode memory.mp4 --verify
  plimsoll decode memory.mp4 --json | jq -r '.chunks[].document' | uniq`,
    )
    .action(async (file: string, options: DecodeOptions) => end(await decode(file, options)));
}

async function decode(file: string, options: DecodeOptions): Promise<number> {
  if (options.verify && options.chunk !== undefined) {
    throw new UsageError('--verify reads every frame. Leave out --chunk.');
  }
  const { openArtifact } = await import('../../core/artifact/open-artifact.ts');
  const artifact = await openArtifact(resolve(file));
  const output = createOutput(options);
  try {
    return options.verify ? await verify(artifact, output) : await print(artifact, options.chunk, output);
  } finally {
    artifact.close();
  }
}

async function verify(artifact: Artifact, output: Output): Promise<number> {
  const { damaged, ...verification } = await artifact.verify();
  const { frames, chunks, readable, intact } = verification;
  output.result({ manifest: artifact.manifest ?? null, ...verification, damaged }, () => [
    ...inRanges(damaged),
    intact
      ? `Intact: ${counted(chunks, 'chunk')} in ${counted(frames, 'frame')}.`
      : `Damaged: ${counted(readable, 'chunk')} of ${chunks} can be read.`,
    ...(!intact && damaged.length === 0 ? ['The chunks are not those that the manifest was made for.'] : []),
  ]);
  return intact ? EXIT.ok : EXIT.failed;
}

/** Prints each chunk when it is read: an artifact may be larger than memory. */
async function print(artifact: Artifact, numbers: number[] | undefined, output: Output): Promise<number> {
  const damaged: DamagedFrame[] = [];
  let printed = 0;
  const chunks = artifact.chunks(numbers);
  // An unknown number is an error before anything is printed.
  let next = await chunks.next();
  if (output.json) await write(`{"manifest":${JSON.stringify(artifact.manifest ?? null)},\n"chunks":[`);
  for (; !next.done && !process.stdout.destroyed; next = await chunks.next()) {
    if ('damaged' in next.value) {
      damaged.push(...next.value.damaged);
      continue;
    }
    const { chunk } = next.value;
    const before = output.json ? (printed > 0 ? ',\n' : '\n') : printed > 0 ? '\n' : '';
    await write(`${before}${output.json ? JSON.stringify(chunk) : `${textOf(chunk.text)}\n`}`);
    printed += 1;
  }
  if (output.json) await write(`\n],\n"damaged":${JSON.stringify(damaged)}}\n`);
  else for (const line of inRanges(damaged)) output.note(line);
  return damaged.length > 0 ? EXIT.failed : EXIT.ok;
}

/** A terminal would act upon escape codes in a stranger's text. Programs get it as it is. */
function textOf(text: string): string {
  return process.stdout.isTTY ? text.split('\t').map(printableLines).join('\t') : text;
}

async function write(text: string): Promise<void> {
  const { stdout } = process;
  if (stdout.write(text) || stdout.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  // A reader such as `head` closes the pipe, and then nothing drains.
  stdout.once('drain', resolve).once('close', resolve);
  await promise;
  stdout.off('drain', resolve).off('close', resolve);
}

/** A line for each damaged frame, or for neighbours with the same damage. */
function inRanges(damaged: readonly DamagedFrame[]): string[] {
  const ranges: { first: DamagedFrame; last: DamagedFrame }[] = [];
  for (const each of damaged.toSorted((a, b) => (a.frame ?? -1) - (b.frame ?? -1))) {
    const range = ranges.at(-1);
    const isNext = range !== undefined && range.last.frame !== null && each.frame === range.last.frame + 1;
    const isAlike = each.reason === range?.last.reason && (each.chunk === null) === (range.last.chunk === null);
    if (isNext && isAlike) range.last = each;
    else ranges.push({ first: each, last: each });
  }
  return ranges.map(({ first, last }) => {
    if (first === last) return printable(`${frameIn(first)}${chunksIn(first, last)}: ${first.reason}`);
    return printable(`frames ${first.frame} to ${last.frame}${chunksIn(first, last)}: ${first.reason}`);
  });
}

const frameIn = ({ frame }: DamagedFrame): string => (frame === null ? 'a missing frame' : `frame ${frame}`);

function chunksIn({ chunk: first }: DamagedFrame, { chunk: last }: DamagedFrame): string {
  if (first === null) return '';
  return last === null || last === first ? ` (chunk ${first})` : ` (chunks ${first} to ${last})`;
}
