import type { Dtype } from '../../contract/model-name.ts';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import type { WantedModel } from './choose-files.ts';
import type { HubFault } from './retrying.ts';
import { variantOf } from './variant-files.ts';

/**
 * The error for a hub that can't be reached. It says which files to bring, and where to put them.
 *
 * @param packages why its packages could not be fetched either
 */
export function hubUnreachable(
  fault: HubFault,
  { name, repository, files }: Pick<WantedModel, 'name' | 'repository' | 'files'>,
  {
    folder,
    endpoint,
    packages,
    dtype = 'fp32',
  }: { folder: string; endpoint: string; packages?: string | undefined; dtype?: Dtype | undefined },
): UserError {
  const [only, vision, text] = ['model', 'vision_model', 'text_model'].map((stem) =>
    variantOf(`onnx/${stem}.onnx`, dtype),
  );
  const needed = files?.map((file) => variantOf(file, dtype)) ?? [
    `${only}, or ${vision} and ${text} if it has two parts`,
    'preprocessor_config.json for images, tokenizer.json for text',
  ];
  const wait = fault.retryAfterMs === undefined ? '' : ` It asks to wait ${Math.ceil(fault.retryAfterMs / 1000)} s.`;
  const lines = [
    `${name} could not be fetched from ${endpoint}: ${fault.message}.${wait} What has come is kept: try again later.`,
    ...(packages === undefined ? [] : [`Python packages that hold it could not be fetched either: ${packages}`]),
    'If this machine can not reach the hub, name a mirror of it in HF_ENDPOINT, or a proxy in HTTPS_PROXY.',
    `Or bring these files of its repository ${repository} to ${folder}:`,
    ...needed.map((file) => `  ${file}`),
  ];
  return new UserError('HubUnreachable', lines.join('\n'), { cause: fault });
}

/** Gives errors of the disk a code and an advice, and returns all others as they are. */
export function diskError(error: unknown, { name, folder }: { name: string; folder: string }): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UserError(
      'DiskFull',
      `There is no room for ${name} in ${folder}. What has come is kept: make room, and fetch it again. ` +
        'PLIMSOLL_CACHE can name another folder.',
      { cause: error },
    );
  if (code !== undefined && ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code))
    return new UserError(
      'InvalidSetting',
      `${folder} can't be written to (${code}). Name another folder in PLIMSOLL_CACHE.`,
      { cause: error },
    );
  return error;
}
