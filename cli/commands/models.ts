import type { Command } from 'commander';
import { addDatasetModelCommands } from './models/dataset.ts';
import { addModelFileCommands } from './models/files.ts';

export function addModelsCommand(program: Command, end: (exitCode: number) => void): void {
  const models = program
    .command('models')
    .summary("fetch models (list, fetch, remove); a dataset's models (of, use, drop)")
    .description(
      'Fetches models onto this machine, where commands, the API and workers find them by name. Shows which models have vectors in a dataset, and chooses the one that serves its searches.',
    )
    .addHelpText(
      'after',
      `
"plimsoll models DATASET" is short for "plimsoll models of DATASET".

With --json: one document; "plimsoll models COMMAND --help" shows it.

Examples:
  plimsoll models list
  plimsoll models fetch clip-vit-b32
  plimsoll models photos
  plimsoll models use photos my-clip
  plimsoll models drop photos old-clip`,
    );
  addModelFileCommands(models, end);
  addDatasetModelCommands(models, end);
}
