/** The part of Python's package metadata that CUDA's wheels use. */
import { compareVersions } from '../provision/binary.ts';

/** A package that another one needs. */
export interface Requirement {
  /** Normalised. */
  name: string;
  /** Such as `~=13.0`. All must hold. */
  specifiers: readonly string[];
  /** The extra that asks for it; undefined if the package always does. */
  extra: string | undefined;
}

export interface PackageMetadata {
  name: string;
  version: string;
  requirements: readonly Requirement[];
}

/** The form in which an index compares names: `nvidia-cublas` for `nvidia_cublas`. */
export const normalName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

/** The requirement as people write it. */
export const shownRequirement = ({ name, specifiers }: Requirement): string => `${name}${specifiers.join(',')}`;

/** Parses a METADATA file. Requirements that are not for Linux are left out. */
export function parseMetadata(text: string): PackageMetadata {
  const head = text.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const fields = head.split(/\r?\n/).map((line) => /^([\w-]+): (.*)$/.exec(line));
  const values = (name: string) => fields.flatMap((field) => (field?.[1] === name ? [field[2] as string] : []));
  return {
    name: normalName(values('Name')[0] ?? ''),
    version: values('Version')[0] ?? '',
    requirements: values('Requires-Dist').flatMap((value) => parseRequirement(value) ?? []),
  };
}

/** Parses such as `nvidia-cudnn-cu13~=9.0; extra == "cudnn"`. Undefined if it is not for Linux. */
export function parseRequirement(text: string): Requirement | undefined {
  const [left = '', marker = ''] = text.split(';', 2);
  const match = /^\s*([\w.-]*\w)\s*(?:\[[^\]]*\])?\s*\(?([^)]*)\)?\s*$/.exec(left);
  if (match === null) return undefined;
  const [, name = '', specifiers = ''] = match;
  const terms = [...marker.matchAll(/(\w+)\s*(==|!=)\s*["']([^"']*)["']/g)];
  // Other markers name versions of Python. Those that are left in at worst bring a package too many.
  const isForLinux = terms.every(([, variable = '', operator, value]) => {
    const here = HERE[variable];
    return here === undefined || (here === value) === (operator === '==');
  });
  if (!isForLinux) return undefined;
  return {
    name: normalName(name),
    specifiers: specifiers.split(',').flatMap((each) => each.replaceAll(/\s+/g, '') || []),
    extra: terms.find(([, variable]) => variable === 'extra')?.[3],
  };
}

const HERE: Readonly<Record<string, string>> = { sys_platform: 'linux', platform_system: 'Linux', os_name: 'posix' };

/** Whether a version is a final release. Others are left out, as pip does. */
export const isFinal = (version: string): boolean => /^\d+(\.\d+)*$/.test(version);

/** Whether a version satisfies all specifiers. */
export const satisfies = (version: string, specifiers: readonly string[]): boolean =>
  specifiers.every((specifier) => satisfiesOne(version, specifier));

function satisfiesOne(version: string, specifier: string): boolean {
  const [, operator, wanted = ''] = /^(~=|===?|!=|<=|>=|<|>)(.*)$/.exec(specifier) ?? [];
  const order = compareVersions(version, wanted.replace(/\.\*$/, ''));
  switch (operator) {
    case '~=':
      return order >= 0 && hasPrefix(version, wanted.split('.').slice(0, -1));
    case '==':
      return wanted.endsWith('.*') ? hasPrefix(version, wanted.split('.').slice(0, -1)) : order === 0;
    case '===':
      return version === wanted;
    case '!=':
      return wanted.endsWith('.*') ? !hasPrefix(version, wanted.split('.').slice(0, -1)) : order !== 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    default:
      return false;
  }
}

function hasPrefix(version: string, prefix: readonly string[]): boolean {
  const parts = version.split('.');
  return prefix.every((part, i) => Number(parts[i] ?? 0) === Number(part));
}
