import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProcessDiedError, type Program } from '../../../processes/killable-process.ts';
import { OUT_OF_MEMORY } from '../../../processes/out-of-memory.ts';
import { createProcessPool, ProcessLateError } from '../../../processes/process-pool.ts';
import { ItemError } from '../../item-error.ts';
import type { Chunking } from '../chunk/chunking.ts';
import type { DocumentLimits } from '../document-limits.ts';
import type { DocumentInput, ReadOrder, ReadResult } from './messages.ts';

/** A pool of reader processes, as many as there is work for. */
export interface DocumentReaders {
  /**
   * Reads a document: extracts its text, cuts it into chunks, and hashes them. Returns an item for each chunk, in order
   * and at least one, or the error if the document is at fault. A document that takes too long, or that ends its
   * process, is tried once more in another process.
   *
   * @param name the file's name, which decides the format
   * @throws Error when no process can start, or a tokenizer's files can't be read
   */
  read(file: DocumentInput, name: string, chunking: Chunking, limits: DocumentLimits): Promise<ReadResult>;
  /** Process IDs of the live processes. */
  pids(): number[];
  /** Ends all processes. Reads in progress fail. */
  close(): void;
}

/** Options of `createDocumentReaders`. */
export interface DocumentReadersOptions {
  /** The most processes. Each reads one document at a time. */
  most: number;
  /** Time limit of one try, in milliseconds. It starts when a process takes the document. */
  timeoutMs?: number;
  /** The most memory of a process, in megabytes. */
  memoryMb?: number;
  /** Idle time after which a process ends, in milliseconds. */
  idleMs?: number;
}

/** PDFs of thousands of pages are read in it, on a machine that is not busy. */
const TIMEOUT_MS = 60_000;

/**
 * The largest documents within the limits, 20 million characters in 700,000 paragraphs, take 0.9 GB, and usual ones take
 * a tenth of it. More is a bomb, of which a machine with several readers can bear a few.
 */
const MEMORY_MB = 1024;

/** Creates a pool that starts processes on demand. */
export function createDocumentReaders({
  most,
  timeoutMs = TIMEOUT_MS,
  memoryMb = MEMORY_MB,
  idleMs,
}: DocumentReadersOptions): DocumentReaders {
  const pool = createProcessPool(programOf(memoryMb), { most, idleMs });

  /** Returns the error if the document is at fault. */
  async function attempt(order: ReadOrder): Promise<ReadResult | ItemError> {
    try {
      return (await pool.ask(order, timeoutMs)) as ReadResult;
    } catch (error) {
      if (error instanceof ProcessLateError)
        return new ItemError('read_timeout', `reading the document took more than ${timeoutMs / 1000} s`);
      if (!(error instanceof ProcessDiedError && error.wasReady)) throw error;
      return error.lastWords.includes(OUT_OF_MEMORY)
        ? new ItemError('read_crashed', `the document needs more than ${memoryMb} MB of memory to be read`)
        : new ItemError('read_crashed', error.message);
    }
  }

  return {
    async read(file, name, chunking, limits) {
      const order = { file, name, chunking, limits };
      let result = await attempt(order);
      if (result instanceof ItemError) result = await attempt(order);
      if (!(result instanceof ItemError)) return result;
      return { error: { code: result.code, message: result.message } };
    },
    pids: pool.pids,
    close: pool.close,
  };
}

function programOf(memoryMb: number): Program {
  return {
    // The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript.
    file: fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url)),
    does: 'reads documents',
    arguments: [String(memoryMb * 1024 * 1024)],
    // Buffers of archives and PDFs lie outside V8's heap. The watchdog counts both.
    execArgv: [`--max-old-space-size=${memoryMb}`],
    threads: 1,
  };
}
