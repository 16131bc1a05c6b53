import type { Dtype } from '../../contract/model-name.ts';
import { UserError } from '../../core/errors.ts';
import type { DownloadFault } from '../download/retrying.ts';
import type { WantedModel } from './choose-files.ts';
import { variantOf } from './variant-files.ts';

/**
 * The error for a hub that can't be reached. It says which files to bring, and where to put them.
 *
 * @param packages why its packages could not be fetched either
 */
export function hubUnreachable(
  fault: DownloadFault,
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
