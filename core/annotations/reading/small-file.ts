import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import type { AnnotationFiles } from './annotation-files.ts';
import { InvalidValue } from './invalid-value.ts';

/**
 * The bytes of one of many small files, or why it can't be read: `unreadable_file`. Undefined if it is not there.
 *
 * @param most how many bytes it may have
 */
export async function readSmallFile(
  files: AnnotationFiles,
  file: FileRef,
  most: number,
): Promise<Buffer | InvalidValue | undefined> {
  try {
    return await files.read(file, most);
  } catch (error) {
    if (error instanceof FileUnavailableError && error.code === 'file_not_found') return undefined;
    if (error instanceof FileUnavailableError || error instanceof UserError)
      return new InvalidValue('unreadable_file', error.message);
    throw error;
  }
}

/** As `readSmallFile`, of a file that was listed. */
export async function readListedFile(
  files: AnnotationFiles,
  file: FileRef,
  most: number,
): Promise<Buffer | InvalidValue> {
  return (await readSmallFile(files, file, most)) ?? new InvalidValue('unreadable_file', 'It is no longer there.');
}
