import { ItemError } from '../../item-error.ts';

/** The container of Office before 2007, in which Office also wraps files that have a password. */
const OLE_MAGIC = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const ENCRYPTED_PACKAGE = Buffer.from('EncryptedPackage', 'utf16le');

/** @throws ItemError encrypted, or unsupported_format for the format of Office before 2007 */
export function refuseOldOffice(bytes: Buffer, format: string): void {
  if (!bytes.subarray(0, OLE_MAGIC.length).equals(OLE_MAGIC)) return;
  if (bytes.includes(ENCRYPTED_PACKAGE))
    throw new ItemError('encrypted', `the ${format} file is protected by a password: save it without one`);
  throw new ItemError('unsupported_format', `this is a file of Office before 2007: save it as ${format}`);
}
