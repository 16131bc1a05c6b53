import { arch, platform } from 'node:os';
import { archiveOrigin } from './archive.ts';
import { type BinarySpec, compareVersions } from './binary.ts';
import { goOrigin } from './go-module.ts';

/** The last version that `go install` accepts: later ones have replace directives in their go.mod. */
const CLI_VERSION = '1.5.1';

/** SHA-256 of the archives of Temporal's releases. */
const ARCHIVE_SHA256: Readonly<Record<string, string>> = {
  linux_amd64: 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  linux_arm64: 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  darwin_amd64: 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  darwin_arm64: 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
};

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Temporal's command with its development server. Versions are the server's, because source builds have no other. */
export const temporalBinary: BinarySpec = {
  name: 'temporal',
  title: "Temporal's command, with its development server",
  variable: 'PLIMSOLL_TEMPORAL_BINARY',
  wanted: 'server 1.29 or later (before 2)',
  readVersion: (output) => /Server (\d+\.\d+\.\d+)/.exec(output)?.[1],
  accepts: (version) => compareVersions(version, '1.29') >= 0 && compareVersions(version, '2') < 0,
  origins: [
    ...archiveOrigins(),
    goOrigin({
      version: CLI_VERSION,
      package: 'github.com/temporalio/cli/cmd/temporal',
      moduleVersion: `v${CLI_VERSION}`,
      // Temporal's own builds set this tag. It leaves out a tenth of the packages, which serve Google's storage.
      tags: 'disable_grpc_modules',
    }),
  ],
  advice: [
    'install Go 1.25 or later, if its module proxy can be reached from here',
    "install Temporal's command yourself, on PATH or with its path in PLIMSOLL_TEMPORAL_BINARY",
    'use a Temporal server that runs elsewhere: TEMPORAL_ADDRESS=host:port',
  ],
};

function archiveOrigins() {
  const target = `${platform()}_${ARCHITECTURES[arch()]}`;
  const sha256 = ARCHIVE_SHA256[target];
  if (!sha256) return [];
  const file = `temporal_cli_${CLI_VERSION}_${target}.tar.gz`;
  const release = `temporalio/cli/releases/download/v${CLI_VERSION}/${file}`;
  const archive = { version: CLI_VERSION, sha256, member: 'temporal' };
  return [
    archiveOrigin({ ...archive, label: "Temporal's release", url: `https://github.com/${release}` }),
    archiveOrigin({
      ...archive,
      label: "Temporal's download site",
      url: `https://temporal.download/assets/${release}`,
    }),
  ];
}
