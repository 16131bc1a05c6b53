import type { Readable } from 'node:stream';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { ItemError } from '../../item-error.ts';

/** The most that an archive may become. Text of the longest document, with the markup around it, is a third of it. */
const MAX_INFLATED_BYTES = 256 * 1024 * 1024;
/** Books have hundreds of entries. */
const MAX_ENTRIES = 10_000;

/** The entries of a document that is a ZIP archive. */
export interface Archive {
  readonly names: readonly string[];
  /**
   * Inflates an entry. Undefined if there is none of this name.
   *
   * @throws ItemError archive_bomb, broken_document, encrypted
   */
  read(name: string): Promise<Buffer | undefined>;
  /**
   * Inflates all entries and keeps none, for libraries that inflate without a bound.
   *
   * @throws ItemError archive_bomb, broken_document, encrypted
   */
  check(): Promise<void>;
}

/**
 * Opens an archive in memory. Sizes that it declares are only believed if they are too large. What is inflated is
 * counted, over all reads.
 *
 * @param format the document's format, for messages
 * @throws ItemError archive_bomb, broken_document
 */
export async function openArchive(bytes: Buffer, format: string): Promise<Archive> {
  const broken = (error: unknown) =>
    new ItemError('broken_document', `the ${format} file is cut short or damaged: ${(error as Error).message}`);
  let inflated = 0;

  async function open(): Promise<{ zip: ZipFile; entries: Map<string, Entry> }> {
    // Sizes are counted here. Names are never used as paths, and are compared as they are.
    const zip = await fromBufferPromise(bytes, {
      lazyEntries: true,
      validateEntrySizes: false,
      strictFileNames: false,
    });
    if (zip.entryCount > MAX_ENTRIES) throw bomb(`has more than ${MAX_ENTRIES.toLocaleString('en-US')} entries`);
    const entries = new Map<string, Entry>();
    let declared = 0;
    for await (const entry of zip.eachEntry()) {
      declared += entry.uncompressedSize;
      if (declared > MAX_INFLATED_BYTES) throw tooLarge();
      entries.set(entry.fileName, entry);
    }
    return { zip, entries };
  }

  async function inflate(entry: Entry, keep: (piece: Buffer) => void): Promise<void> {
    if (entry.isEncrypted()) throw new ItemError('encrypted', `the ${format} file is protected by a password`);
    let stream: Readable | undefined;
    try {
      stream = await zip.openReadStreamPromise(entry);
      for await (const piece of stream as AsyncIterable<Buffer>) {
        inflated += piece.length;
        if (inflated > MAX_INFLATED_BYTES) throw tooLarge();
        keep(piece);
      }
    } catch (error) {
      throw error instanceof ItemError ? error : broken(error);
    } finally {
      stream?.destroy();
    }
  }

  const { zip, entries } = await open().catch((error: unknown) => {
    throw error instanceof ItemError ? error : broken(error);
  });
  return {
    names: [...entries.keys()],
    async read(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      const pieces: Buffer[] = [];
      await inflate(entry, (piece) => pieces.push(piece));
      return Buffer.concat(pieces);
    },
    async check() {
      for (const entry of entries.values()) await inflate(entry, () => {});
    },
  };
}

const bomb = (what: string) => new ItemError('archive_bomb', `the file ${what}, so it is not unpacked`);
const tooLarge = () => bomb(`would unpack to more than ${MAX_INFLATED_BYTES / 1024 / 1024} MB`);
