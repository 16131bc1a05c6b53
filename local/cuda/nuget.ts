import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import type { Connection } from '../download/connection.ts';
import { type Retries, retrying } from '../download/retrying.ts';
import { parseJson, textOf } from './answer-text.ts';
import { PackageMissingError, type SourcedPackage } from './package-source.ts';

const PUBLIC_INDEX = 'https://api.nuget.org/v3/index.json';

const serviceIndex = z.object({ resources: z.array(z.object({ '@id': z.url(), '@type': z.string() })) });
const registration = z.object({ catalogEntry: z.url(), packageContent: z.url() });
const catalogEntry = z.object({
  packageHash: z.base64(),
  packageHashAlgorithm: z.literal('SHA512'),
  packageSize: z.int().nonnegative(),
});

/** The address of NuGet's service index: PLIMSOLL_NUGET, or the public one. */
export const nugetIndex = (env: NodeJS.ProcessEnv): string => env.PLIMSOLL_NUGET || PUBLIC_INDEX;

/** The file name that NuGet gives a package. */
export const nupkgName = (name: string, version: string): string => `${name}.${version}.nupkg`.toLowerCase();

/**
 * Finds a package on NuGet, with the hash that its catalogue states.
 *
 * @throws DownloadFault, PackageMissingError, UserError
 */
export async function findNugetPackage(
  connection: Connection,
  env: NodeJS.ProcessEnv,
  { name, version }: { name: string; version: string },
  retries: Retries,
): Promise<SourcedPackage> {
  async function ask<T>(url: string, schema: z.ZodType<T>): Promise<T> {
    const text = await retrying(
      async () => textOf(await connection.get(url, { signal: retries.signal }), url),
      retries,
    );
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new UserError('PackageInvalid', `The answer of ${url} is not in the form of NuGet's. Check PLIMSOLL_NUGET.`);
  }

  const index = nugetIndex(env);
  const { resources } = await ask(index, serviceIndex);
  const base = resources.find(({ '@type': type }) => /^RegistrationsBaseUrl(\/3\.|$)/.test(type))?.['@id'];
  if (base === undefined) throw new PackageMissingError(`${index} names no registrations`);
  const leaf = `${base.replace(/\/?$/, '/')}${name.toLowerCase()}/${version}.json`;
  const { catalogEntry: entry, packageContent } = await ask(leaf, registration);
  const { packageHash, packageSize } = await ask(entry, catalogEntry);
  const sha512 = Buffer.from(packageHash, 'base64').toString('hex');
  return {
    ...{ file: nupkgName(name, version), name: name.toLowerCase(), version, platforms: [] },
    ...{ url: packageContent, stated: { size: packageSize, hash: { sha512 } } },
  };
}
