/** A reader process: it extracts and chunks one document at a time for the process that forked it. */
import process from 'node:process';
import { answerParent } from '../../../processes/child.ts';
import { startWatchdog } from '../../../processes/watchdog.ts';
import { ItemError } from '../../item-error.ts';
import { createChunker } from '../chunk/chunk-document.ts';
import type { Chunking } from '../chunk/chunking.ts';
import { extractDocument } from '../extract/extract-document.ts';
import { itemsOfDocument } from './items-of-document.ts';
import type { ReadOrder, ReadResult } from './messages.ts';
import { readDocument } from './read-file.ts';

const watched = await startWatchdog(Number(process.argv[2]));

/** The chunker of the last order. A load asks for the same one each time, and a tokenizer takes a while to open. */
let last: { key: string; chunker: ReturnType<typeof createChunker> } | undefined;

function chunkerFor(chunking: Chunking): ReturnType<typeof createChunker> {
  const key = JSON.stringify(chunking);
  if (last?.key === key) return last.chunker;
  const chunker = createChunker(chunking);
  last = { key, chunker };
  chunker.catch(() => {
    last = undefined;
  });
  return chunker;
}

async function read({ file, name, chunking, limits }: ReadOrder): Promise<ReadResult> {
  // A tokenizer that can't be opened is no document's fault.
  const chunk = await chunkerFor(chunking);
  try {
    const document = await extractDocument(await readDocument(file, limits), name);
    const items = itemsOfDocument(document, name, chunk(document));
    if (items.length === 0) throw new ItemError('no_text', 'the document holds no text');
    return { items };
  } catch (error) {
    if (error instanceof ItemError) return { error: { code: error.code, message: error.message } };
    throw error;
  }
}

answerParent((order: ReadOrder) => watched(() => read(order)));
