import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { modelNameOf, parseModelName } from '../contract/model-name.ts';
import { MOST_PICTURE_BYTES } from '../contract/search.ts';
import { unlessAborted } from '../core/concurrency/abort.ts';
import { createPermits } from '../core/concurrency/permits.ts';
import type { Embedder, EmbedItem, EmbedOutcome } from '../core/embedding/embedder.ts';
import { UserError } from '../core/errors.ts';
import type { Media, Medium } from '../core/media/medium.ts';
import type { SearchModel } from '../core/search/model-to-search.ts';
import type { DatasetDocument } from '../core/store/documents.ts';

/** A query that only the model can make a vector of. */
export type EncodedQuery = { text: string } | { picture: Uint8Array | string };

/** Makes the vector of a query by the model whose vectors are searched. */
export type EncodeQuery = (
  query: EncodedQuery,
  of: { dataset: DatasetDocument; model: SearchModel; signal: AbortSignal | undefined },
) => Promise<Float32Array>;

/** One query computes while another is decoded. More at once would only hold more memory. */
const AT_ONCE = 2;

/** Creates an encoder of queries. Queries beyond two wait, in their order. */
export function createQueryEncoder(embedder: Pick<Embedder, 'embed'>, media: Media): EncodeQuery {
  const turns = createPermits(AT_ONCE);

  async function embed(model: SearchModel, medium: Medium, item: EmbedItem, signal: AbortSignal | undefined) {
    const end = await turns.take(1);
    try {
      signal?.throwIfAborted();
      return await unlessAborted(embedWith(embedder, model, medium, item, signal), signal);
    } finally {
      end();
    }
  }

  return async function encodeQuery(query, { dataset, model, signal }) {
    const medium = media.find(dataset.media_type);
    if (medium === undefined)
      throw new UserError('ModelNotHere', `This machine does not know the medium "${dataset.media_type}".`);
    if ('text' in query) {
      const outcome = await embed(model, medium, { text: query.text }, signal);
      if ('vector' in outcome) return outcome.vector;
      throw new UserError('InvalidInput', `text: ${reasonOf(outcome)}.`, { fields: ['text'] });
    }
    if (medium.encodes !== 'file')
      throw new UserError('InvalidInput', `picture: ${dataset._id} holds no pictures. Search by words or a sample.`, {
        fields: ['picture'],
      });
    const outcome = await embed(model, medium, await pictureItem(query.picture), signal);
    if ('vector' in outcome) return outcome.vector;
    throw new UserError('PictureUnreadable', `The picture can't be used: ${reasonOf(outcome)}.`);
  };
}

async function pictureItem(picture: Uint8Array | string): Promise<EmbedItem> {
  if (typeof picture !== 'string') {
    requireSmall(picture.length);
    return { bytes: picture };
  }
  // The encoder can't read it either, and says why.
  const file = await stat(picture).catch(() => undefined);
  if (file !== undefined && !file.isFile()) throw new UserError('PictureUnreadable', `${picture} is not a file.`);
  requireSmall(file?.size ?? 0);
  return { path: picture };
}

function requireSmall(bytes: number): void {
  if (bytes > MOST_PICTURE_BYTES)
    throw new UserError(
      'PictureUnreadable',
      `The picture has ${Math.ceil(bytes / 2 ** 20)} MiB; a search takes one of ${MOST_PICTURE_BYTES / 2 ** 20} MiB at most.`,
    );
}

function reasonOf(outcome: EmbedOutcome): string {
  if (!('error' in outcome)) throw new Error('The embedder knows a vector of the query, and did not give it.');
  return outcome.error.message.replace(/\.$/, '');
}

/** Asks for exactly the revision that is searched: vectors of replaced files can't be compared with the stored ones. */
async function embedWith(
  embedder: Pick<Embedder, 'embed'>,
  model: SearchModel,
  medium: Medium,
  item: EmbedItem,
  signal: AbortSignal | undefined,
): Promise<EmbedOutcome> {
  let reason: UserError | undefined;
  for (const name of namesOf(model)) {
    try {
      const [outcome] = await embedder.embed(`${name}@${model.revision}`, medium, [item], { signal });
      return outcome as EmbedOutcome;
    } catch (error) {
      if (!isNotHere(error)) throw error;
      reason ??= error;
    }
  }
  throw notHere(model, reason);
}

/** The folder that the model was loaded from may be on this machine too; else its name is looked for. */
export function namesOf({ name, asked }: Pick<SearchModel, 'name' | 'asked'>): string[] {
  const folder = asked && modelNameOf({ ...parseModelName(asked), revision: undefined });
  return folder !== undefined && isAbsolute(folder) ? [name, folder] : [name];
}

const NOT_HERE: readonly string[] = ['ModelNotFound', 'ModelChanged', 'ModelInvalid', 'DeviceUnavailable'];
const isNotHere = (error: unknown): error is UserError => error instanceof UserError && NOT_HERE.includes(error.code);

function notHere({ key, name, revision }: SearchModel, cause: UserError | undefined): UserError {
  const { name: folder, dtype } = parseModelName(name);
  const option = dtype === undefined ? '' : `, with --dtype ${dtype}`;
  const message = {
    ModelNotFound: 'They are not here.',
    ModelChanged: 'Those that are here have another revision.',
  }[String(cause?.code)];
  return new UserError(
    'ModelNotHere',
    `Words and pictures are encoded by the files of ${key}, on the machine that searches. ${message ?? cause?.message ?? ''} ` +
      `Put the folder "${folder}", at the revision ${revision}, below a folder that PLIMSOLL_MODELS names there, ` +
      `or search by a sample. Models of the hub can be fetched there: plimsoll models fetch${option}.`,
    { cause },
  );
}
