import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultOf, type JobDefaults, jobDefaults } from '../../cli/config/job-defaults.ts';
import { readConfig } from '../../cli/config/read-config.ts';
import { joinDtype } from '../../cli/join-dtype.ts';
import { dtypeOption, modelOption } from '../../cli/options.ts';
import { bareEnvironment, runCommand } from '../cli/command-bench.ts';

/** The model that a command asks for, with the words of plimsoll.toml on it. */
function modelOf(args: readonly string[], defaults: JobDefaults = {}): string | undefined {
  const command = new Command().addOption(modelOption()).addOption(dtypeOption());
  command.exitOverride().configureOutput({ writeErr: () => {} });
  command.setOptionValueWithSource('defaults', defaults, 'config');
  command.action(() => joinDtype(command));
  command.parse(args, { from: 'user' });
  return command.opts<{ model?: string }>().model;
}

describe('--dtype', () => {
  it.each([
    [['--model', 'my-clip', '--dtype', 'fp16'], 'my-clip:fp16'],
    [['--dtype', 'q8', '--model', 'org/my-clip'], 'org/my-clip:q8'],
    [['--model', 'my-clip:fp16', '--dtype', 'fp16'], 'my-clip:fp16'],
    [['--model', 'my-clip@0123456789ab', '--dtype', 'fp16'], 'my-clip:fp16@0123456789ab'],
    [['--model', '/models/my-clip/', '--dtype', 'bnb4'], '/models/my-clip:bnb4'],
    [['--model', 'my-clip:fp16'], 'my-clip:fp16'],
    [['--model', 'my-clip', '--dtype', 'fp32'], 'my-clip:fp32'],
  ])('%j names %s', (args, model) => {
    expect(modelOf(args)).toBe(model);
  });

  it('is a variant of the model that plimsoll.toml names, and goes before the variant there', () => {
    expect(modelOf(['--dtype', 'fp16'], { model: 'my-clip' })).toBe('my-clip:fp16');
    expect(modelOf(['--dtype', 'fp16'], { model: 'my-clip:q8' })).toBe('my-clip:fp16');
    expect(modelOf(['--model', 'other', '--dtype', 'fp16'], { model: 'my-clip:q8' })).toBe('other:fp16');
    expect(modelOf([], { model: 'my-clip:q8' })).toBeUndefined();
  });

  it('is refused beside another variant, and without a model', () => {
    expect(() => modelOf(['--model', 'my-clip:fp16', '--dtype', 'q8'])).toThrow(
      'my-clip:fp16 names the variant fp16, and --dtype the variant q8. Leave out one.',
    );
    expect(() => modelOf(['--dtype', 'q8'])).toThrow('name the model with --model');
    expect(() => modelOf(['--model', 'my-clip', '--dtype', 'fp8'])).toThrow('Allowed choices are fp32, fp16');
  });

  it.each([
    ['load', '.'],
    ['embed', 'photos'],
    ['retry', 'photos'],
    ['encode', '.', '--output', 'x.mp4'],
    ['up', '--load'],
    ['search', 'photos', 'words'],
    ['duplicates', 'photos'],
    ['index', 'photos'],
    ['schedule', 'create', 'nightly', '.', '--cron', '0 3 * * *'],
  ])('is an option of %s, and wrong usage ends before anything is asked', async (...args) => {
    const { code, stderr } = await runCommand([...args, '--model', 'x:fp16', '--dtype', 'q8'], {
      env: { ...bareEnvironment(), PLIMSOLL_CONFIG: '' },
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Leave out one.') });
  });
});

describe('dtype in plimsoll.toml', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plimsoll-dtype-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (text: string) => {
    const path = join(folder, 'plimsoll.toml');
    await writeFile(path, text);
    return (await readConfig(path)).values;
  };

  it('is part of the model in the inputs of jobs', async () => {
    const values = await read('[embed]\nmodel = "./my-clip"\ndtype = "fp16"\n');
    expect(jobDefaults(values, 'embed')).toEqual({ model: `${join(folder, 'my-clip')}:fp16` });
    expect(jobDefaults(values, 'load')).toEqual({ model: `${join(folder, 'my-clip')}:fp16` });
    expect(defaultOf(values, 'load', 'dtype')).toEqual({ value: 'fp16', place: ['embed', 'dtype'] });
  });

  it('is not that of the model of another table', async () => {
    const values = await read('[embed]\nmodel = "my-clip"\ndtype = "fp16"\n[load]\nmodel = "other"\n');
    expect(jobDefaults(values, 'load')).toEqual({ model: 'other' });
    expect(defaultOf(values, 'load', 'dtype')?.value).toBeUndefined();
  });

  it.each([
    ['[load]\ndtype = "fp16"\n', 'load.dtype is a variant of a model: name the model in the same table.'],
    ['[embed]\nmodel = "x:q8"\ndtype = "fp16"\n', 'embed.dtype must be q8, which model names, or be left out.'],
    ['[search]\nmodel = "x"\ndtype = "half"\n', 'search.dtype'],
  ])('is refused: %j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
