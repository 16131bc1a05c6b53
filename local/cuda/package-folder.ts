import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { nupkgName } from './nuget.ts';
import { PackageMissingError, type PackageSource } from './package-source.ts';
import { parseWheelName } from './wheels.ts';

/**
 * The packages that somebody brought into a folder.
 *
 * @throws UserError PackageUnavailable if it can't be read
 */
export async function folderSource(folder: string): Promise<PackageSource> {
  const absolute = resolve(folder);
  const names = await readdir(absolute).catch((error: unknown) => {
    throw new UserError('PackageUnavailable', `${absolute} can't be read: ${systemErrorCode(error) ?? error}.`);
  });
  const located = async (file: string) => {
    const path = join(absolute, file);
    return { path, size: (await stat(path)).size };
  };
  return {
    async wheels(name) {
      const wheels = names.flatMap((file) => parseWheelName(file) ?? []).filter((wheel) => wheel.name === name);
      if (wheels.length === 0) throw new PackageMissingError(`${absolute} has no wheel of ${name}`);
      return Promise.all(wheels.map(async (wheel) => ({ ...wheel, ...(await located(wheel.file)) })));
    },
    async nuget(name, version) {
      const file = names.find((each) => each.toLowerCase() === nupkgName(name, version));
      if (file === undefined) throw new PackageMissingError(`${absolute} has no ${nupkgName(name, version)}`);
      return { file, name: name.toLowerCase(), version, platforms: [], ...(await located(file)) };
    },
    close: async () => {},
  };
}
