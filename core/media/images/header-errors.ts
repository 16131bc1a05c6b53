import { lstatSync } from 'node:fs';
import type { ImageFormat } from './formats.ts';

/** Why a file's metadata could not be read. The codes are stable: they are stored with the sample. */
export type HeaderErrorCode =
  | 'empty_file'
  | 'not_an_image'
  | 'unsupported_format'
  | 'truncated_header'
  | 'file_not_found'
  | 'permission_denied'
  | 'io_error'
  | 'decode_timeout';

/** Why a file has no metadata. `message` is short and does not repeat the path. */
export interface HeaderError {
  code: HeaderErrorCode;
  message: string;
}

/** The error for a file that ends within its header. */
export function truncatedHeader(format: ImageFormat): HeaderError {
  return { code: 'truncated_header', message: `the ${format.toUpperCase()} header is cut short or damaged` };
}

/** Describes the operating system's refusal to open or read a file. */
export function describeReadError(
  error: Pick<NodeJS.ErrnoException, 'code' | 'message'>,
  path: string | Buffer,
): HeaderError {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        code: 'file_not_found',
        message: isLink(path) ? 'a link to a file that is not there' : 'the file was gone when it was read',
      };
    case 'ELOOP':
      return { code: 'io_error', message: 'a link that leads back to itself' };
    case 'EACCES':
    case 'EPERM':
      return { code: 'permission_denied', message: 'no permission to read the file' };
    default:
      return { code: 'io_error', message: `the file could not be read: ${error.code ?? error.message}` };
  }
}

function isLink(path: string | Buffer): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
