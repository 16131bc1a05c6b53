import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import type { AnnotationFiles } from './annotation-files.ts';
import { InvalidValue } from './invalid-value.ts';

/**
 * The bytes of one of many small files. Undefined if it is not there.
 *
 * @param most how many bytes it may have
 * @throws InvalidValue unreadable_file if it can't be read, or is larger
 */
export async function readSmallFile(files: AnnotationFiles, file: FileRef, most: number): Promise<Buffer | undefined> {
  try {
    return await files.read(file, most);
  } catch (error) {
    if (error instanceof FileUnavailableError && error.code === 'file_not_found') return undefined;
    throw unreadable(error);
  }
}

/** As `readSmallFile`, of a file that was listed. @throws InvalidValue unreadable_file */
export async function readListedFile(files: AnnotationFiles, file: FileRef, most: number): Promise<Buffer> {
  const bytes = await readSmallFile(files, file, most);
  if (bytes === undefined) throw new InvalidValue('unreadable_file', 'It is no longer there.');
  return bytes;
}

/** The invalid value of a file that can't be read. Any other error stays what it is. */
export function unreadable(error: unknown): unknown {
  const isOfFile = error instanceof FileUnavailableError || error instanceof UserError;
  return isOfFile ? new InvalidValue('unreadable_file', error.message) : error;
}
