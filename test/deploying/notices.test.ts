import { access } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  isCopyleft,
  type ShippedPackage,
  shippedPackages,
  thirdPartyNotices,
} from '../../scripts/third-party-notices.ts';

/** Licences whose terms the notices meet. Another one has to be looked at first. */
const KNOWN = new Set([
  'MIT',
  'ISC',
  '0BSD',
  'BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'Apache 2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-4.0',
  'Unlicense',
  'Zlib',
  'LGPL-3.0',
  'LGPL-3.0-or-later',
  'MPL-2.0',
  // One of several to choose from.
  'GPL-3.0-or-later',
  'see its text',
]);

let packages: ShippedPackage[];
let notices: string;

beforeAll(async () => {
  packages = await shippedPackages();
  notices = await thirdPartyNotices();
});

describe('the notices', () => {
  it('name each package that is shipped', () => {
    expect(packages.length).toBeGreaterThan(200);
    expect(
      packages.filter(({ name, version, license }) => !notices.includes(`${name} ${version} (${license})`)),
    ).toEqual([]);
    expect(notices).toMatch(/^svelte \d/m);
    expect(notices).not.toMatch(/^vitest \d/m);
  });

  it('say of each package under the LGPL or the MPL where its source is', () => {
    const named = packages.filter(isCopyleft);
    expect(named.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['libheif-js', 'mediabunny', '@img/sharp-libvips-linux-x64', '@img/sharp-win32-x64']),
    );
    for (const { name, version, license } of named)
      expect(notices).toContain(`${name} ${version} (${license})\nSource: https://github.com/`);
  });

  it('have the texts of these licences, and the libraries within libvips', () => {
    expect(notices).toMatch(/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/);
    expect(notices).toMatch(/GNU GENERAL PUBLIC LICENSE\s+Version 3/);
    expect(notices).toMatch(/^Mozilla Public License Version 2\.0$/m);
    expect(notices).toMatch(/MOZILLA PUBLIC LICENSE\s+Version 1\.1/);
    for (const library of ['cairo', 'glib', 'librsvg', 'pango'])
      expect(notices).toMatch(new RegExp(`^\\| ${library} `, 'm'));
  });

  it('have the text of each installed package that holds one', async () => {
    const [one] = packages.filter(({ name }) => name === 'commander');
    await access(one?.folder ?? '');
    expect(notices).toContain('TJ Holowaychuk');
  });

  it('are written under licences that somebody has looked at', () => {
    const stated = new Set(packages.flatMap(({ license }) => license.replace(/[()]/g, '').split(/ (?:AND|OR) /)));
    expect([...stated].filter((license) => !KNOWN.has(license))).toEqual([]);
  });
});
