import { type Command, Option } from 'commander';
import { DTYPES } from '../contract/model-name.ts';
import { model } from './arguments.ts';

/** Options that several commands share. */

/** The options of every command that talks to the servers. */
export interface CommonOptions {
  data?: string;
  json?: boolean;
}

export const jsonOption = () => new Option('--json', 'print one JSON document');
export const dataDirOption = () =>
  new Option('--data <dir>', 'use the stack that "plimsoll up --data DIR" runs there').argParser((dir: string) => dir);
export const modelOption = () =>
  new Option('--model <model>', 'embedding model: a name, or its folder (default: the built-in model)').argParser(
    model,
  );
/** `join-dtype.ts` joins it with the model. */
export const dtypeOption = () =>
  new Option('--dtype <dtype>', "variant of the model's graph (default: the plain one)").choices(DTYPES);
export const datasetOption = () =>
  new Option('--dataset <name>', "the dataset's name (default: made from the folder's name)");
export const mediaOption = () =>
  new Option('--media <medium>', 'what the files are: image or text (default: what the folder holds)');
export const embedOption = () => new Option('--no-embed', 'only index; do not embed');

/** Adds --no-embed, and its opposite for a plimsoll.toml that turns embedding off. Undefined if neither is given. */
export const addEmbedOptions = (command: Command): Command =>
  command.addOption(new Option('--embed', 'embed, even if plimsoll.toml says not to')).addOption(embedOption());
