import type { FileRef } from '../../sources/files.ts';

/** A file as a cursor keeps it: JSON has no bytes. */
export interface KeptFile {
  path: string;
  /** The bytes of its name in Base64, if they are no text. */
  bytes?: string;
}

export const keptFile = ({ path, bytes }: FileRef): KeptFile =>
  bytes === undefined ? { path } : { path, bytes: bytes.toString('base64') };

export const fileOfKept = ({ path, bytes }: KeptFile): FileRef =>
  bytes === undefined ? { path } : { path, bytes: Buffer.from(bytes, 'base64') };
