import type { Command } from 'commander';
import { addDatasetModelCommands } from './models/dataset.ts';
import { addModelFileCommands } from './models/files.ts';

export function addModelsCommand(program: Command, end: (exitCode: number) => void): void {
  const models = program
    .command('models')
    .summary("fetch models onto this machine; a dataset's models: list, use, drop")
    .description(
      'Keeps models on this machine, where commands, the API and workers find them by name. Shows which models have vectors in a dataset, and chooses the one that serves its searches.',
    )
    .addHelpText(
      'after',
      `
"plimsoll models DATASET" is short for "plimsoll models of DATASET".

Fetched models are in the cache folder (PLIMSOLL_CACHE). Embedding workers on
other machines need them there. Models of your own are found below the folders
of PLIMSOLL_MODELS, which are searched first.

With --json: one document; "plimsoll models COMMAND --help" shows it.

Examples:
  plimsoll models list
  plimsoll models fetch clip-vit-b32
  plimsoll models photos
  plimsoll models use photos clip-vit-b32
  plimsoll models drop photos color-gradient-grid`,
    );
  addModelFileCommands(models, end);
  addDatasetModelCommands(models, end);
}
