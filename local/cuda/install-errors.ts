import type { CudaMajor } from '../../core/cuda/find-cuda.ts';
import { UserError } from '../../core/errors.ts';
import { shellWord } from '../../core/shell-word.ts';
import { nupkgName } from './nuget.ts';
import { NUGET_PACKAGE, PROVIDER_PACKAGE, REQUIREMENTS } from './provider.ts';
import { type Requirement, shownRequirement } from './requirements.ts';
import { WHEEL_ARCHITECTURES } from './wheels.ts';

/** What an installation is for. */
export interface CudaTarget {
  cuda: CudaMajor;
  /** The version of ONNX Runtime. */
  version: string;
  arch: string;
}

/**
 * The error for packages that can't be had. It names the files to bring, the folder to put them into, and the commands.
 *
 * @param cause says what is missing, or what does not answer
 * @param known the requirements that were found so far
 * @param isSource whether the packages were looked for in the folder
 */
export function packagesUnavailable(
  cause: Error,
  target: CudaTarget,
  { known, folder, isSource = false }: { known: readonly Requirement[]; folder: string; isSource?: boolean },
): UserError {
  const { cuda, version } = target;
  const libraries = `The libraries of CUDA ${cuda} for ONNX Runtime ${version}`;
  const reached = [
    `${libraries} could not be fetched: ${cause.message}. What has come is kept: try again later.`,
    'If this machine can not reach the index, name a mirror of it in PIP_INDEX_URL, or a proxy in HTTPS_PROXY.',
    `Or bring these files to ${folder}:`,
  ];
  const lines = [
    ...(isSource
      ? [`${libraries} could not be installed: ${cause.message}.`, `Bring these files to ${folder}:`]
      : reached),
    ...filesToBring(target, known).map((file) => `  ${file}`),
    'On a machine with a network, pip collects them in that folder:',
    `  ${pipCommand(target)}`,
    ...(cuda === 12 ? [`  and the first file is at ${nugetPage(version)}`] : []),
    'Then, here:',
    `  plimsoll install-cuda --cuda ${cuda} --from ${shellWord(folder)}`,
  ];
  return new UserError('PackageUnavailable', lines.join('\n'), { cause });
}

/** The file names of the packages, with `*` for what does not matter. */
function filesToBring({ cuda, version, arch }: CudaTarget, known: readonly Requirement[]): string[] {
  const platform = `manylinux*_${WHEEL_ARCHITECTURES[arch]}.whl`;
  const provider =
    cuda === 12
      ? nupkgName(NUGET_PACKAGE, version)
      : `${PROVIDER_PACKAGE.replaceAll('-', '_')}-${version}-cp*-${platform}`;
  const requirements = new Map([...REQUIREMENTS[cuda], ...known].map((each) => [each.name, each]));
  const wheels = [...requirements.values()].map(
    (each) => `${each.name.replaceAll('-', '_')}-*-py3-none-${platform}  (${shownRequirement(each)})`,
  );
  return [provider, ...wheels];
}

/** Older platforms than these are included in the last one. */
const PLATFORMS = ['manylinux_2_34', 'manylinux_2_28', 'manylinux_2_27', 'manylinux2014'];

function pipCommand({ cuda, version, arch }: CudaTarget): string {
  const platforms = PLATFORMS.map((platform) => `--platform ${platform}_${WHEEL_ARCHITECTURES[arch]}`).join(' ');
  const packages =
    cuda === 12
      ? REQUIREMENTS[12].map((each) => `"${shownRequirement(each)}"`).join(' ')
      : `"${PROVIDER_PACKAGE}[cuda,cudnn]==${version}"`;
  return `pip download --only-binary=:all: --python-version 3.12 ${platforms} ${packages}`;
}

const nugetPage = (version: string): string => `https://www.nuget.org/packages/${NUGET_PACKAGE}/${version}`;
