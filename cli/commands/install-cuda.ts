import { type Command, Option } from 'commander';
import type { CudaMajor } from '../../core/cuda/find-cuda.ts';
import { EXIT } from '../exit-code.ts';
import { InterruptedError } from '../failure.ts';
import { catchInterrupt } from '../interrupt.ts';
import { jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';

interface InstallCudaOptions {
  cuda?: '12' | '13';
  from?: string;
  json?: boolean;
}

export function addInstallCudaCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('install-cuda')
    .summary('install what inference on an NVIDIA GPU needs, without a toolkit')
    .description(
      'Installs the CUDA provider of ONNX Runtime and the libraries of CUDA into the cache folder, for this user and without root. Workers find them there. A download that was broken off goes on where it was. What is there stays as it is.',
    )
    .addOption(
      new Option('--cuda <major>', 'the version of CUDA (default: the newest that the NVIDIA driver allows)').choices([
        '12',
        '13',
      ]),
    )
    .option('--from <folder>', 'install packages that lie in this folder, and use no network')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
CUDA 13 comes from Python's package index, about 1.5 GB; CUDA 12 from there and,
for the provider, from NuGet. Each file is checked against the hash that the
index states. Unpacked, they take 2.5 GB in the cache folder.
PIP_INDEX_URL names an index other than https://pypi.org/simple, such as a
mirror. PLIMSOLL_NUGET names NuGet's. HTTPS_PROXY and NO_PROXY hold.
PLIMSOLL_CUDA names another folder than "cuda" in the cache folder.
Without a network, the command says which files to bring.
After an upgrade of onnxruntime-node, run it again.

With --json: {"cuda", "onnxruntime", "folder", "size_bytes", "was_there",
"packages": [{"name", "version"}]}.

Exit codes: 0 done, 1 not possible, 2 wrong usage.
130 Ctrl-C; the next call goes on from there.

Examples:
  plimsoll install-cuda
  plimsoll install-cuda --cuda 13        without a driver, as in a build
  plimsoll install-cuda --cuda 13 --from ./wheels`,
    )
    .action(async (options: InstallCudaOptions) => end(await installCudaCommand(options)));
}

async function installCudaCommand({ cuda, from, json }: InstallCudaOptions): Promise<number> {
  const [{ installCuda }, { createDownloadView }, { byteSize }, { printable }] = await Promise.all([
    import('../../local/cuda/install-cuda.ts'),
    import('../progress/download-view.ts'),
    import('../../core/byte-size.ts'),
    import('../terminal/printable.ts'),
  ]);
  const output = createOutput({ json });
  const interrupt = catchInterrupt();
  const view = createDownloadView(process.stderr);
  try {
    const { installation, wasThere, others } = await installCuda({
      env: process.env,
      cuda: cuda === undefined ? undefined : (Number(cuda) as CudaMajor),
      from,
      signal: interrupt.signal,
      onProgress: view.show,
      report: (line) => view.note(printable(line)),
    });
    view.end();
    const { onnxruntime, folder, sizeBytes, packages } = installation;
    output.result(
      {
        ...{ cuda: installation.cuda, onnxruntime, folder, size_bytes: sizeBytes, was_there: wasThere },
        packages: packages.map(({ name, version }) => ({ name, version })),
      },
      () => [
        `${wasThere ? 'Already here' : 'Installed'}: CUDA ${installation.cuda} for ONNX Runtime ${onnxruntime}, ${byteSize(sizeBytes)}, in ${folder}`,
      ],
    );
    if (!output.json) {
      output.note('Workers use it with PLIMSOLL_DEVICE=cuda. "plimsoll doctor" checks it.');
      for (const other of others)
        output.note(`For another version of ONNX Runtime: ${other}. Remove it if nothing uses it.`);
    }
    return EXIT.ok;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError('Stopped; what has come is kept. To go on: plimsoll install-cuda', interrupt.exitCode);
  } finally {
    view.end();
    interrupt.release();
  }
}
