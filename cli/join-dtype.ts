import type { Command } from 'commander';
import { type Dtype, modelNameOf, parseModelName } from '../contract/model-name.ts';
import type { JobDefaults } from './config/job-defaults.ts';
import { UsageError } from './failure.ts';

/**
 * Joins `--dtype` with `--model` before a command begins: a variant is part of a model's name. Without a `--model`, it is
 * a variant of the model that plimsoll.toml names, and goes before the file's.
 *
 * @throws UsageError
 */
export function joinDtype(command: Command): void {
  const { model, dtype, defaults } = command.opts<{ model?: string; dtype?: Dtype; defaults?: JobDefaults }>();
  if (dtype === undefined || !command.options.some((option) => option.attributeName() === 'model')) return;
  const named = model ?? defaults?.model;
  if (named === undefined)
    throw new UsageError(
      '--dtype chooses a variant of a model: name the model with --model. The built-in one has none.',
    );
  const isFromFile = command.getOptionValueSource('model') !== 'cli';
  command.setOptionValueWithSource('model', withDtype(named, dtype, isFromFile), 'cli');
}

/** The name of a model's variant. @throws UsageError if the name has another one, unless that is `replaced` */
export function withDtype(model: string, dtype: Dtype, replaced = false): string {
  const parts = parseModelName(model);
  if (!replaced && parts.dtype !== undefined && parts.dtype !== dtype)
    throw new UsageError(`${model} names the variant ${parts.dtype}, and --dtype the variant ${dtype}. Leave out one.`);
  return modelNameOf({ ...parts, dtype });
}
