import type { Command } from 'commander';
import { numberBetween, repeated } from '../arguments.ts';
import { addEmbedOptions, datasetOption } from '../options.ts';

/** Options of load and schedule create: the dataset, and which files are read. */
export interface LoadOptions {
  dataset?: string;
  /** Undefined: the file's word, else yes. */
  embed?: boolean;
  include?: string[];
  exclude?: string[];
  hidden?: boolean;
  reread?: boolean;
  maxFailedPercent?: number;
}

/** Adds the flags of LoadOptions. `job-request.ts` makes a request of their values. */
export const addLoadOptions = (command: Command): Command =>
  addEmbedOptions(command.addOption(datasetOption()))
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
export const SELECTION_HELP = `A glob without a slash matches names at any depth; one with a slash matches
paths below the folder. Quote it: --exclude thumbs --exclude "2019/**/*.png"
Files that are left out stay in the dataset if they were loaded before. What
other programs put beside a user's files is always left out: "._*", "@eaDir",
"__MACOSX", ".ipynb_checkpoints", trash folders and the like.`;
