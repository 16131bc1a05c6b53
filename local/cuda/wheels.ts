import { compareVersions } from '../provision/binary.ts';
import { isFinal, normalName, satisfies } from './requirements.ts';

/** A wheel that an index lists, or that lies in a folder. */
export interface Wheel {
  file: string;
  /** Normalised. */
  name: string;
  version: string;
  /** Such as `manylinux_2_27_x86_64`. */
  platforms: readonly string[];
}

/** The system that wheels are chosen for. */
export interface WheelPlatform {
  /** As Node names it: `x64`, `arm64`. */
  arch: string;
  /** The version of the system's glibc. */
  glibc: string;
}

/** How wheels name architectures. */
export const WHEEL_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The glibc of the older names of platforms. */
const OLDER_PLATFORMS: Readonly<Record<string, string>> = { '1': '2.5', '2010': '2.12', '2014': '2.17' };

/** Parses `name-version(-build)-python-abi-platforms.whl`. Undefined for another file. */
export function parseWheelName(file: string): Wheel | undefined {
  const parts = file.endsWith('.whl') ? file.slice(0, -'.whl'.length).split('-') : [];
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const [name = '', version = ''] = parts;
  return { file, name: normalName(name), version, platforms: (parts.at(-1) as string).split('.') };
}

/** Whether a wheel's libraries run on a system. */
export function fits({ platforms }: Wheel, { arch, glibc }: WheelPlatform): boolean {
  return platforms.some((platform) => {
    const [, older, newer, architecture] = /^manylinux(?:(1|2010|2014)|_(\d+_\d+))_(\w+)$/.exec(platform) ?? [];
    const needed = older === undefined ? newer?.replace('_', '.') : OLDER_PLATFORMS[older];
    if (needed === undefined || architecture !== WHEEL_ARCHITECTURES[arch]) return false;
    return compareVersions(needed, glibc) <= 0;
  });
}

/**
 * The newest of the wheels that satisfies all specifiers and runs on the system. Of a version with a wheel for each
 * version of Python, it is always the same one, so that a download that was broken off goes on.
 */
export function newestWheel<T extends Wheel>(
  wheels: readonly T[],
  { name, specifiers }: { name: string; specifiers: readonly string[] },
  platform: WheelPlatform,
): T | undefined {
  return wheels
    .filter((wheel) => wheel.name === name && isFinal(wheel.version) && satisfies(wheel.version, specifiers))
    .filter((wheel) => fits(wheel, platform))
    .sort((a, b) => compareVersions(b.version, a.version) || (a.file < b.file ? -1 : 1))[0];
}

/** The version of this system's glibc; undefined where it has none, as Alpine. */
export function systemGlibc(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}
