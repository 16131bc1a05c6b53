import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { EXIT, START_EXIT_CODES_HELP } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, datasetOption, dtypeOption, jsonOption, modelOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { datasetNameOf } from '../starting/dataset-name.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { addChunkOptions, addSelectionOptions, type LoadOptions } from '../starting/load-options.ts';

interface EncodeOptions extends Omit<LoadOptions, 'artifact' | 'artifactIndex' | 'embed' | 'media'>, CommonOptions {
  output: string;
  /** A file; false with --no-index. */
  index?: string | false;
  backgroundIndex?: boolean;
  model?: string;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addEncodeCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('encode')
    .summary('write a folder of documents into a video of QR codes')
    .description(
      'Loads a folder of documents, writes all of its chunks into a video of QR codes, prints the job ID and returns. Vectors, and with --index the index beside the video, are made in the background.',
    )
    .argument('<folder>', 'folder of documents, at any depth')
    .requiredOption('--output <file.mp4>', 'the video')
    .option('--index <file.json>', 'an index beside the video, from which it can be searched without a server')
    .option('--background-index', 'return once the video is written, which is the default')
    .option('--no-index', 'make no vectors and no index')
    .addOption(datasetOption());
  addSelectionOptions(addChunkOptions(command))
    .addOption(modelOption())
    .addOption(dtypeOption())
    .addOption(ifRunningOption('if a load of the dataset is running: fail, return that one, or replace it'))
    .option('--wait', 'show the progress until the vectors and the index are there, too')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
This is "plimsoll load --media text --artifact FILE --artifact-index FILE" that
returns when the video is whole. With --json: what "plimsoll status --json"
prints then, or with --wait at the end of the job.

${START_EXIT_CODES_HELP}

Examples:
  plimsoll encode ./handbook --output handbook.mp4
  plimsoll encode ./handbook --output handbook.mp4 --index handbook.json
  plimsoll encode ./handbook --output handbook.mp4 --no-index --chunk-size 120`,
    )
    .action(async (folder: string, options: EncodeOptions) => end(await encode(folder, options)));
}

async function encode(folder: string, options: EncodeOptions): Promise<number> {
  const { index, ...others } = options;
  if (index === false && options.backgroundIndex)
    throw new UsageError('--no-index makes nothing in the background. Leave out one of the two.');
  const embed = index === false ? false : index !== undefined || options.backgroundIndex ? true : undefined;
  const [{ withClient }, { loadRequestOf }, { checkLoad }, { follow, followToEnd }, { artifactInWords }] =
    await Promise.all([
      import('../connection.ts'),
      import('../starting/job-request.ts'),
      import('../starting/check-load.ts'),
      import('../follow.ts'),
      import('../../core/jobs/words.ts'),
    ]);
  const output = createOutput(options);
  const source = resolve(folder);
  const request = loadRequestOf({
    ...others,
    source,
    dataset: options.dataset ?? datasetNameOf(source),
    media: 'text',
    artifact: options.output,
    // Without a word on the index, plimsoll.toml decides.
    ...(embed === undefined ? {} : { embed }),
    ...(typeof index === 'string' ? { artifactIndex: index } : {}),
  });
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkLoad(request, { store: client.store, servers, output, named: options.dataset !== undefined });
    const { job_id } = await client.startLoad(request, { ifRunning: options.ifRunning });
    if (!output.json) process.stdout.write(`${job_id}\n`);
    if (options.wait) return followToEnd(client, servers, job_id, output);
    const status = await follow(client, job_id, { for: 'artifact' });
    const { artifact } = status;
    // The job has failed before it came to write.
    if (artifact === undefined || artifact.state === 'running') return followToEnd(client, servers, job_id, output);
    if (output.json) output.result(status, () => []);
    else output.note(artifactInWords(artifact));
    return artifact.state === 'completed' ? EXIT.ok : EXIT.failed;
  });
}
