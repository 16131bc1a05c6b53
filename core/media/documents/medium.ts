import { availableParallelism } from 'node:os';
import { basename, extname } from 'node:path';
import { BUILT_IN_FOLDERS } from '../../../contract/built-in-model.ts';
import { parseModelName } from '../../../contract/model-name.ts';
import { createPermits } from '../../concurrency/permits.ts';
import { UserError } from '../../errors.ts';
import { findModelFolder, type ModelLayout } from '../../models/find-model.ts';
import { modelFoldersFrom } from '../../models/model-folders.ts';
import { folderNamed } from '../../models/model-names.ts';
import { FileUnavailableError, type Sources } from '../../sources/source.ts';
import type { Expansion, FileToExpand, Medium } from '../medium.ts';
import { readSentenceFiles, SENTENCE_FILES } from '../text/sentence-files.ts';
import { readMostWords } from '../text/tokenizer.ts';
import type { Chunking } from './chunk/chunking.ts';
import { type ChunkChoices, chooseChunks, chunkChoicesOf, type ModelTokenizer } from './chunk-choices.ts';
import { type DocumentLimits, documentLimitsFromEnvironment, tooManyBytes } from './document-limits.ts';
import { DOCUMENT_MIME_TYPES, isDocumentName, speaksForText } from './names.ts';
import { createDocumentReaders, type DocumentReaders } from './reader/document-readers.ts';

/** Models of texts, in the layouts of transformers.js and Optimum. */
const MODELS: ModelLayout = {
  builtIn: BUILT_IN_FOLDERS.text,
  graphs: ['model.onnx', 'onnx/model.onnx', 'onnx/model_quantized.onnx'],
  files: [
    { name: 'tokenizer.json', purpose: 'it says how words become tokens' },
    { name: 'tokenizer_config.json', purpose: 'it says how many tokens the model reads, and what pads them' },
  ],
  optional: SENTENCE_FILES,
  outputs: ['sentence_embedding', 'embeddings', 'last_hidden_state', 'token_embeddings'],
  whichGraph: 'Name it model.onnx.',
};

/**
 * A document is read whole, and its chunks are held until they are written: the next batch's as well, and those of four
 * pages at once. As objects they take some ten times their bytes.
 */
const BATCH_BYTES = 2 * 1024 * 1024;

/**
 * The medium of documents: a file is cut into chunks, and each is a sample. PLIMSOLL_MAX_DOCUMENT_BYTES limits the size
 * of a file.
 */
export function documentsMedium(
  env: NodeJS.ProcessEnv = process.env,
  limits: DocumentLimits = documentLimitsFromEnvironment(env),
): Medium {
  const most = availableParallelism();
  /** Shared by all activities of a process. Its processes end when they are idle. */
  let readers: DocumentReaders | undefined;
  const readersOf = () => {
    readers ??= createDocumentReaders({ most });
    return readers;
  };
  const turns = createPermits(most);

  return {
    name: 'text',
    words: { one: 'chunk', many: 'chunks' },
    accepts: isDocumentName,
    suggests: speaksForText,
    async expand(files, sources, onRead, choices) {
      const chunking = await chunkingOf(chunkChoicesOf(choices), env);
      return Promise.all(
        files.map(async (file) => {
          const end = await turns.take(1);
          try {
            return await expandFile(file, sources, { readers: readersOf(), chunking, limits });
          } finally {
            end();
            onRead();
          }
        }),
      );
    },
    choose: (load, stored) => chooseChunks(load, stored, (model) => tokenizerOf(model, env)),
    batchBytes: BATCH_BYTES,
    length: 'tokens',
    encodes: ['text'],
    models: MODELS,
    preparation: {
      module: new URL(`./preparation${extname(import.meta.url)}`, import.meta.url).href,
      options: null,
    },
    text: 'own',
    hasWords: true,
    mimeTypes: {
      known: DOCUMENT_MIME_TYPES,
      // HTML and XHTML may contain scripts.
      inline: new Set(['text/plain', 'text/markdown', 'text/csv', 'text/tab-separated-values', 'application/pdf']),
    },
    sizeInWords: ({ tokens }) => `${tokens} tokens`,
    settings: [{ name: 'Document limit', variable: 'PLIMSOLL_MAX_DOCUMENT_BYTES', value: `${limits.maxBytes} bytes` }],
  };
}

interface Reading {
  readers: DocumentReaders;
  chunking: Chunking;
  limits: DocumentLimits;
}

async function expandFile(
  file: FileToExpand,
  sources: Sources,
  { readers, chunking, limits }: Reading,
): Promise<Expansion> {
  const name = basename(file.path);
  const source = sources.of(file.path);
  const path = source.localPath?.(file);
  if (path !== undefined) return readers.read({ path }, name, chunking, limits);
  if (Number.isFinite(file.size) && file.size > limits.maxBytes) {
    const { code, message } = tooManyBytes(file.size, limits);
    return { error: { code, message } };
  }
  try {
    const open = await source.open(file);
    const bytes = new Uint8Array(await new Response(open.stream()).arrayBuffer());
    return readers.read({ bytes }, name, chunking, limits);
  } catch (error) {
    if (!(error instanceof FileUnavailableError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

/** The tokenizer of a model on this machine. The built-in model has none. */
async function tokenizerOf(model: string, env: NodeJS.ProcessEnv): Promise<ModelTokenizer | undefined> {
  if (parseModelName(folderNamed(model, MODELS)).name === BUILT_IN_FOLDERS.text) return undefined;
  const { files, optional } = await findModelFolder(model, MODELS, modelFoldersFrom(env));
  const [tokenizerFile = '', configFile = ''] = files;
  const { maxTokens, prompts } = await readSentenceFiles(optional);
  return { mostWords: await readMostWords(tokenizerFile, configFile, { maxTokens, prompt: prompts.passage }) };
}

/** @throws UserError TokenizerNotHere when this machine lacks the tokenizer that the dataset's chunks are counted by */
async function chunkingOf({ tokens_of, ...chunking }: ChunkChoices, env: NodeJS.ProcessEnv): Promise<Chunking> {
  if (tokens_of === undefined) return chunking;
  const files = await findModelFolder(tokens_of, MODELS, modelFoldersFrom(env)).catch((error: unknown) => {
    throw error instanceof UserError ? tokenizerNotHere(tokens_of, error) : error;
  });
  const [tokenizerFile = '', configFile = ''] = files.files;
  return { ...chunking, tokenizer: { tokenizerFile, configFile } };
}

const tokenizerNotHere = (model: string, cause: UserError) =>
  new UserError(
    'TokenizerNotHere',
    `Chunks are counted in the tokens of ${model}, and the indexing worker does not have it: ${cause.message} ` +
      'Put the model on the machine of the indexing worker as well, or load with --chunk-unit characters (and --reread, if the dataset has chunks already).',
    { cause },
  );
