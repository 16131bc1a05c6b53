import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import type { AnnotationFiles } from './annotation-files.ts';

const HEAD_BYTES = 64 << 10;

/** The first bytes of a file that must be UTF-8, up to 64 KiB, and how many of them are its byte order mark. */
export interface TextStart {
  head: Buffer;
  bom: 0 | 3;
}

/**
 * Looks at the beginning of a file.
 *
 * @throws UserError AnnotationsBroken if it is empty or UTF-16
 * @throws FileUnavailableError
 */
export async function readTextStart(files: AnnotationFiles, file: FileRef): Promise<TextStart> {
  const head = await files.head(file, HEAD_BYTES);
  const bom = head.subarray(0, 3).equals(UTF8_MARK) ? 3 : 0;
  const broken = (what: string) => new UserError('AnnotationsBroken', `${file.path}: line 1, column 1: ${what}.`);
  if (head.length === bom) throw broken('the file is empty');
  if (isUtf16(head)) throw broken('the file is UTF-16; save it as UTF-8');
  return { head, bom };
}

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** By the mark. Without one, the first character is ASCII with a zero byte before or behind it. */
function isUtf16([first, second]: Buffer): boolean {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  return (first === 0) !== (second === 0);
}
