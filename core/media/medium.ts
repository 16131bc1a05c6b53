import type { LoadDatasetInput } from '../../contract/inputs.ts';
import type { RecordedError } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import type { ModelLayout } from '../models/find-model.ts';
import type { FileRef } from '../sources/files.ts';
import type { OpenFile, Sources } from '../sources/source.ts';
import type { MediaType, SampleMetadata } from '../store/documents.ts';

/** A file to expand. `size` is in bytes, and Infinity if the file could not be examined. */
export interface FileToExpand extends FileRef {
  size: number;
}

/** One sample of a file. */
export interface Item {
  metadata: SampleMetadata;
  /**
   * Hash of the content to encode, if expanding the file computes it anyway. Items are then compared by this hash.
   * Otherwise the encoder computes the hash when it reads the file.
   */
  content?: string;
  /** The words of the item as `packWords` gives them, if they can be searched for. */
  words?: Uint8Array;
}

/** The items of a file, in order and at least one, or the reason why the file can't be read. */
export type Expansion = { items: readonly Item[] } | { error: RecordedError };

/** How the files of a dataset are expanded. Stored with the dataset; only its medium knows the fields. */
export type ExpansionChoices = Readonly<Record<string, unknown>>;

/** All that a load says that its medium may need to choose. */
export type ExpandingLoad = Pick<LoadDatasetInput, 'dataset' | 'model' | 'chunks' | 'reread' | 'include' | 'exclude'>;

/** Draws thumbnails of samples, in processes that can be killed. */
export interface Thumbnailer {
  /**
   * Draws a thumbnail of type `thumbnails.mimeType`. Its longer side has at most `side` pixels.
   *
   * @throws ItemError
   */
  draw(file: OpenFile, side: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Process IDs of the live processes. */
  pids(): number[];
  close(): void;
}

/** A side of a model: what it encodes, its files, and how items become its tensors. */
export interface ModelSide {
  /** Names of the items for people: `image`, `images`. */
  readonly words: { one: string; many: string };

  /** The files of a model. */
  readonly models: ModelLayout;

  /** How the encoder process turns items into tensors: see core/media/preparation.ts. */
  readonly preparation: {
    /** URL of the module, which exports `openPreparation`. */
    module: string;
    /** Passed to the module in a message. */
    options: unknown;
  };
}

/**
 * A kind of sample: which files hold samples, their metadata, and how they become tensors. The engine is independent of
 * any medium and uses only this interface. A medium is a folder below core/media and an entry in
 * core/media/registry.ts. Its own side is the one that encodes samples.
 */
export interface Medium extends ModelSide {
  readonly name: MediaType;

  /** Whether a file of this name holds samples. */
  accepts(name: string): boolean;

  /**
   * Whether a file of this name, which is accepted, says that its folder is of this medium, also among files of another
   * one. Absent if each does. Notes beside pictures say nothing.
   */
  suggests?(name: string): boolean;

  /**
   * Expands files into items. Returns one expansion per file, in order. A bad file yields an expansion with an error,
   * never an exception. Calls `onRead` as reading makes progress, at least once per several dozen files.
   *
   * @param choices those of the dataset
   */
  expand(
    files: readonly FileToExpand[],
    sources: Sources,
    onRead: () => void,
    choices?: ExpansionChoices,
  ): Promise<Expansion[]>;

  /**
   * Decides how the files of a dataset are expanded, by what a load asks for and what the dataset has already. Absent if
   * there is nothing to choose.
   *
   * @throws UserError when the choice can't be made, or differs from the one that the dataset's samples were made by
   */
  choose?(load: ExpandingLoad, stored: ExpansionChoices | undefined): Promise<ExpansionChoices>;

  /** Files are expanded together up to this size, in bytes. Absent if expanding holds little of them. */
  readonly batchBytes?: number;

  /**
   * The field of an item's metadata that says how long it is for a model. Batches then hold items of about one length,
   * as a batch is padded to its longest. Absent if all items of a model cost the same.
   */
  readonly length?: string;

  /** The encoder's input: the bytes of a sample's file, or an object of these fields of its metadata. */
  readonly encodes: 'file' | readonly string[];

  /**
   * The side that encodes words into the space of the samples: `own` if it is the one that encodes samples, or one that a
   * model may have beside it. Its items are `{ value: string }`.
   */
  readonly text?: ModelSide | 'own';

  /** Whether its items have words, which can be searched for. Their metadata then has the text as `text`. */
  readonly hasWords?: true;
  /** Whether its samples can have annotations: they have a width and a height. */
  readonly hasAnnotations?: true;

  /** MIME types that the metadata may name. `inline` types are safe to show in a browser. */
  readonly mimeTypes: { known: ReadonlySet<string>; inline: ReadonlySet<string> };

  /** Whether a file with these first bytes may be the one whose metadata this is. Absent if no bytes tell. */
  mayHold?(head: Buffer, metadata: SampleMetadata): boolean;

  /** A sample's size as text, for a table: `640x480`. */
  sizeInWords(metadata: SampleMetadata): string;

  /** The medium's settings from the environment, for display. */
  readonly settings: readonly { name: string; variable: string; value: string }[];

  /** Absent if samples have no pictures. */
  readonly thumbnails?: {
    mimeType: string;
    /** Maps indexing errors that also rule out a thumbnail to the thumbnail's error code. */
    hopeless: Readonly<Record<string, string>>;
    open(options: { processes: number; timeoutMs: number }): Thumbnailer;
  };
}

/** The media that this process supports. */
export interface Media {
  readonly all: readonly Medium[];
  /** The medium of a new dataset. */
  readonly default: Medium;
  /** The medium of this name; undefined if this process does not support it. */
  find(name: MediaType): Medium | undefined;
  /**
   * Finds a medium by its name.
   *
   * @throws UserError UnknownMedium when this process does not support it
   */
  byName(name: MediaType): Medium;
}

/** The medium whose samples have words. */
export function documentsMediumOf({ all }: Media): Medium {
  const found = all.find(({ hasWords }) => hasWords === true);
  if (found === undefined) throw new UserError('UnknownMedium', 'This process knows no medium of documents.');
  return found;
}

/** Creates the media of a process. The first one is the default. */
export function createMedia(all: readonly [Medium, ...Medium[]]): Media {
  return {
    all,
    default: all[0],
    find: (name) => all.find((one) => one.name === name),
    byName(name) {
      const medium = all.find((one) => one.name === name);
      if (medium === undefined)
        throw new UserError(
          'UnknownMedium',
          `This process knows no medium "${name}"; it knows ${all.map((one) => one.name).join(', ')}. ` +
            'Give the plugin of all workers the same `media`.',
        );
      return medium;
    },
  };
}
