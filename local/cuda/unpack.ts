import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { type PackageMetadata, parseMetadata } from './requirements.ts';

/** Libraries, and what their licences demand to be kept with them. */
const LIBRARIES = [
  /^onnxruntime\/capi\/libonnxruntime_providers_(cuda|shared)\.so$/,
  /^runtimes\/linux-x64\/native\/libonnxruntime_providers_(cuda|shared)\.so$/,
  /^nvidia\/[^/]+\/lib\/lib[\w+.-]+\.so(\.[\d.]+)?$/,
];
const LICENCES =
  /^(onnxruntime\/|[^/]+\.dist-info\/(licenses\/)?)?(LICEN[CS]E|License|NOTICE|ThirdPartyNotices)[\w.-]*$/;

const MOST_BYTES_OF_TEXT = 16 * 1024 * 1024;

/** The libraries of a package, in `lib` of its folder, and its licences, in `licences`. */
export interface UnpackedPackage {
  /** Undefined for a package that is no wheel. */
  metadata: PackageMetadata | undefined;
}

/**
 * Unpacks the libraries and licences of a package into a folder, and nothing else. Each file is checked: against the
 * hash in the wheel's RECORD, or elsewhere against the archive's checksum.
 *
 * @throws UserError PackageInvalid
 */
export async function unpack(archive: string, folder: string): Promise<UnpackedPackage> {
  const invalid = (what: string) => new UserError('PackageInvalid', `${archive} ${what}. Fetch it again.`);
  const zip = await openPromise(archive, { lazyEntries: true, autoClose: false }).catch((error: Error) => {
    throw invalid(`is no archive, or is damaged: ${error.message}`);
  });
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    const textOf = async (pattern: RegExp): Promise<string | undefined> => {
      const entry = entries.find(({ fileName }) => pattern.test(fileName));
      return entry === undefined ? undefined : readText(zip, entry);
    };
    const metadata = await textOf(/^[^/]+\.dist-info\/METADATA$/);
    const record = await textOf(/^[^/]+\.dist-info\/RECORD$/);
    const recorded = record === undefined ? undefined : hashesOf(record);
    for (const entry of entries) {
      const { fileName } = entry;
      const kind = LIBRARIES.some((pattern) => pattern.test(fileName)) ? 'lib' : LICENCES.test(fileName) && 'licences';
      if (kind === false) continue;
      await mkdir(join(folder, kind), { recursive: true });
      const found = await writeEntry(zip, entry, join(folder, kind, basename(fileName)));
      const isRight = recorded === undefined ? found.crc32 === entry.crc32 : found.sha256 === recorded.get(fileName);
      if (!isRight) throw invalid(`holds a ${fileName} that differs from what the package states of it`);
    }
    return { metadata: metadata === undefined ? undefined : parseMetadata(metadata) };
  } catch (error) {
    // Codes of the system begin with E, those of zlib with Z.
    if (error instanceof UserError || systemErrorCode(error)?.startsWith('E')) throw error;
    throw invalid(`is damaged: ${(error as Error).message}`);
  } finally {
    zip.close();
  }
}

async function readText(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > MOST_BYTES_OF_TEXT) throw new Error(`${entry.fileName} is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function writeEntry(zip: ZipFile, entry: Entry, path: string): Promise<{ sha256: string; crc32: number }> {
  const hash = createHash('sha256');
  let checksum = 0;
  const handle = await open(path, 'w');
  try {
    const content: Readable = await zip.openReadStreamPromise(entry);
    for await (const chunk of content) {
      hash.update(chunk as Buffer);
      checksum = crc32(chunk as Buffer, checksum);
      await handle.writeFile(chunk as Buffer);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('base64url'), crc32: checksum };
}

/** The hashes of a RECORD, in URL-safe base64, by paths. Paths with a comma or a quote are not among ours. */
function hashesOf(record: string): Map<string, string> {
  const lines = [...record.matchAll(/^([^",\n]+),sha256=([\w-]+)=*,\d*\r?$/gm)];
  return new Map(lines.map(([, path = '', hash = '']) => [path, hash]));
}
