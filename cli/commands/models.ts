import type { Command } from 'commander';
import { addDatasetModelCommands } from './models/dataset.ts';

export function addModelsCommand(program: Command, end: (exitCode: number) => void): void {
  const models = program
    .command('models')
    .summary("a dataset's models: list, use, drop")
    .description('Shows which models have vectors in a dataset, and chooses the one that serves its searches.')
    .addHelpText(
      'after',
      `
"plimsoll models DATASET" is short for "plimsoll models of DATASET".

With --json: one document; "plimsoll models COMMAND --help" shows it.

Examples:
  plimsoll models photos
  plimsoll models use photos my-clip
  plimsoll models drop photos old-clip`,
    );
  addDatasetModelCommands(models, end);
}
