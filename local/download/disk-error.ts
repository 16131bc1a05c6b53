import { systemErrorCode, UserError } from '../../core/errors.ts';

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
