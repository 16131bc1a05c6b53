/**
 * Writes the notices of the packages that Plimsoll is shipped with: `node scripts/third-party-notices.ts FILE`. The
 * build puts them into `dist`, and so into the npm package and the images.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** A package that is installed with Plimsoll, or that is built into the page. */
export interface ShippedPackage {
  name: string;
  version: string;
  /** An SPDX expression, as the package states it. */
  license: string;
  /** Its folder, which is absent for packages of other platforms. */
  folder: string;
}

interface LockedPackage {
  version?: string;
  license?: string;
  dev?: boolean;
}

/** Development packages of which the built page holds parts. */
const BUILT_IN = ['svelte', 'clsx', 'esm-env'];

/** The packages that `npm ci --omit=dev` installs on any platform, and those in the page, by name. */
export async function shippedPackages(): Promise<ShippedPackage[]> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages as Record<string, LockedPackage>).flatMap(([path, locked]) => {
    const name = path.split('node_modules/').at(-1) as string;
    if (path === '' || (locked.dev === true && !BUILT_IN.includes(name))) return [];
    const { version = '', license = 'see its text' } = locked;
    return [{ name, version, license, folder: join(root, path) }];
  });
  return packages.sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));
}

/** Licences that ask for their text and for a way to the source. */
export const isCopyleft = ({ license }: ShippedPackage): boolean => /\b(?:LGPL|MPL)\b/.test(license);

/** Where the source of packages is that are not installed on this platform. */
const SOURCES: [name: RegExp, url: string][] = [
  [/^@img\/sharp-libvips-/, 'https://github.com/lovell/sharp-libvips'],
  [/^@img\/sharp-/, 'https://github.com/lovell/sharp and https://github.com/lovell/sharp-libvips'],
];

/** Texts that packages name and do not hold. The LGPL adds to the GPL; libvips holds cairo, which is under the MPL. */
const TEXTS = ['LGPL-3.0', 'GPL-3.0', 'MPL-1.1'];

export async function thirdPartyNotices(): Promise<string> {
  const packages = await shippedPackages();
  const copyleft = packages.filter(isCopyleft);
  const others = packages.filter((each) => !isCopyleft(each));
  const parts = [
    'Plimsoll is under the MIT license. It is shipped with, or installs, the packages below, unchanged and as files of\n' +
      'their own: each can be replaced by another build. Packages of other platforms are named, too.',
    title('Packages under the LGPL or the MPL'),
    ...(await Promise.all(copyleft.map(copyleftNotice))),
    ...(await Promise.all(
      TEXTS.map(
        async (name) => `${title(name)}\n\n${await readFile(join(root, 'scripts/licenses', `${name}.txt`), 'utf8')}`,
      ),
    )),
    title('Other packages'),
    ...(await noticesByText(others)),
  ];
  return `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`;
}

const title = (words: string) => `${'='.repeat(100)}\n${words}\n${'='.repeat(100)}`;
const lineOf = ({ name, version, license }: ShippedPackage) => `${name} ${version} (${license})`;

async function copyleftNotice(each: ShippedPackage): Promise<string> {
  return `${lineOf(each)}\nSource: ${await sourceOf(each)}\n\n${await licenceText(each)}`;
}

/** @throws Error when nobody knows where the source of a package is */
async function sourceOf({ name, version, folder }: ShippedPackage): Promise<string> {
  const known = SOURCES.find(([pattern]) => pattern.test(name))?.[1] ?? (await repositoryIn(folder));
  if (known === undefined) throw new Error(`Where is the source of ${name}? Add it to SOURCES.`);
  return `${known} (version ${version})`;
}

async function repositoryIn(folder: string): Promise<string | undefined> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const url: string | undefined = manifest.repository?.url ?? manifest.repository ?? manifest.homepage;
  return url?.replace(/^git\+/, '').replace(/\.git$/, '');
}

/** Many packages have the same text. It is written once, below their names. */
async function noticesByText(packages: ShippedPackage[]): Promise<string[]> {
  const texts = await Promise.all(packages.map(licenceText));
  const byText = Map.groupBy(packages.keys(), (i) => texts[i] as string);
  return [...byText].map(
    ([text, them]) => `${them.map((i) => lineOf(packages[i] as ShippedPackage)).join('\n')}\n\n${text}`,
  );
}

/** The texts that a package holds: its files, or what its README says. Empty if it holds none, or is not installed. */
async function licenceText({ folder }: ShippedPackage): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /^(?:licen[sc]e|copying|notice)(?!.*\.[jt]s$)/i.test(name)).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')));
  if (texts.length > 0) return texts.map((text) => text.trim()).join('\n\n');
  const readme = names.find((name) => /^readme\b/i.test(name));
  if (readme === undefined) return '';
  const text = await readFile(join(folder, readme), 'utf8');
  return /^#+ *licen[sc][ei].*$[\s\S]*?(?=^#|$(?![\s\S]))/im.exec(text)?.[0].trim() ?? '';
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('Name the file to write.');
  await writeFile(file, await thirdPartyNotices());
}
