import { type Command, Option } from 'commander';
import { CHUNK_UNITS, type ChunkUnit, MOST_CHUNK } from '../../contract/options.ts';
import { numberBetween, repeated, wholeNumber } from '../arguments.ts';
import { addEmbedOptions, datasetOption, mediaOption } from '../options.ts';
import { type AnnotationOptions, addAnnotationOptions } from './annotation-options.ts';

/** Options of load and schedule create: the dataset, and which files are read. */
export interface LoadOptions extends AnnotationOptions {
  dataset?: string;
  /** Undefined: the file's word, else yes. */
  embed?: boolean;
  media?: string;
  chunkSize?: number;
  chunkOverlap?: number;
  chunkUnit?: ChunkUnit;
  annotations?: string[];
  artifact?: string;
  artifactIndex?: string;
  include?: string[];
  exclude?: string[];
  hidden?: boolean;
  reread?: boolean;
  maxFailedPercent?: number;
}

/** Adds the flags of LoadOptions. `job-request.ts` makes a request of their values. */
export const addLoadOptions = (command: Command): Command =>
  addSelectionOptions(
    addChunkOptions(
      addAnnotationOptions(
        addEmbedOptions(command.addOption(datasetOption()))
          .addOption(mediaOption())
          .option(
            '--annotations <path>',
            'read annotations of the images (repeatable); none: not even what is beside them',
            repeated,
          ),
      ),
    )
      .option('--artifact <file.mp4>', 'also write all chunks into a video of QR codes, once they are indexed')
      .option('--artifact-index <file.json>', 'also write an index beside that video, once they are embedded'),
  );

/** Adds the flags that say how documents are cut. */
export const addChunkOptions = (command: Command): Command =>
  command
    .option(
      '--chunk-size <n>',
      'the most a chunk of a document holds (default: 240 tokens)',
      wholeNumber(16, MOST_CHUNK),
    )
    .option('--chunk-overlap <n>', 'what two chunks share at most (default: 32 tokens)', wholeNumber(0, MOST_CHUNK))
    .addOption(
      new Option('--chunk-unit <unit>', "what these count: the model's tokens, or characters").choices([
        ...CHUNK_UNITS,
      ]),
    );

/** Adds the flags that say which files are read. */
export const addSelectionOptions = (command: Command): Command =>
  command
    .option(
      '--include <glob>',
      'take only files that match, or that lie in a folder that matches (repeatable)',
      repeated,
    )
    .option('--exclude <glob>', 'leave out files and folders that match (repeatable)', repeated)
    .option('--hidden', 'take files and folders whose names begin with a dot, too')
    .option('--reread', 'read every file again, even if its size and times are unchanged')
    .option(
      '--max-failed-percent <percent>',
      "fail the load if more of the files than this can't be read",
      numberBetween(0, 100),
    );

/** For the help of the commands with LoadOptions. */
export const SELECTION_HELP = `A new dataset is of images, or of documents if the folder holds no pictures:
text, Markdown, HTML, PDF, DOCX, EPUB, CSV, JSONL and source code. Documents are
cut into chunks at headings, paragraphs and sentences; the first load decides
their size.

A glob without a slash matches names at any depth; one with a slash matches
paths below the folder. Quote it: --exclude thumbs --exclude "2019/**/*.png"
Files that are left out stay in the dataset if they were loaded before. What
other programs put beside a user's files is always left out: "._*", "@eaDir",
"__MACOSX", ".ipynb_checkpoints", trash folders and the like.`;
