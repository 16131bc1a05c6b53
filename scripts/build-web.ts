/** Builds the page: `node scripts/build-web.ts [FOLDER]`, into `web/dist` if no folder is named. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const web = join(root, 'web');
const built = join(web, 'dist');
const HASH_FILE = '.content-hash';
const BUILD_PACKAGES = ['svelte', 'vite', '@sveltejs/vite-plugin-svelte'];

let building: Promise<string> | undefined;

/**
 * Builds the page if its sources have changed since the last build, and returns its folder.
 * @throws Error if Svelte or Vite refuse a source
 */
export function buildWeb(): Promise<string> {
  building ??= findOrBuild().finally(() => {
    building = undefined;
  });
  return building;
}

async function findOrBuild(): Promise<string> {
  const hash = await contentHash();
  if ((await builtHash()) === hash) return built;
  // Two processes that start at once both build the page. A rename puts only whole folders in place.
  const draft = join(web, `dist-${randomUUID().slice(0, 8)}`);
  try {
    // A child process builds it, because NODE_ENV selects the bundled Svelte and must not change in this process.
    await promisify(execFile)(
      process.execPath,
      [join(packageFolder('vite'), 'bin/vite.js'), 'build', web, '--outDir', draft, '--logLevel', 'warn'],
      { env: { ...process.env, NODE_ENV: 'production' } },
    );
    await compress(join(draft, 'assets'));
    await writeFile(join(draft, HASH_FILE), hash);
    await rm(built, { recursive: true, force: true });
    await rename(draft, built).catch(async (error: unknown) => {
      // Another process finished the same build first.
      if ((await builtHash()) !== hash) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return built;
}

/** Compresses the assets once, so that no answer has to. */
async function compress(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name));
    await writeFile(join(folder, `${name}.br`), await promisify(brotliCompress)(content));
    await writeFile(join(folder, `${name}.gz`), await promisify(gzip)(content));
  }
}

const builtHash = () => readFile(join(built, HASH_FILE), 'utf8').catch(() => '');

const packageFolder = (name: string) => join(root, 'node_modules', name);

async function contentHash(): Promise<string> {
  const hash = createHash('sha256').update(await readFile(fileURLToPath(import.meta.url)));
  for (const name of BUILD_PACKAGES) {
    const manifest = await readFile(join(packageFolder(name), 'package.json'), 'utf8');
    hash.update(`${name} ${(JSON.parse(manifest) as { version: string }).version}\n`);
  }
  const files = ['index.html', 'vite.config.ts'];
  for (const folder of ['src', 'public']) {
    const entries = await readdir(join(web, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(web.length + 1));
    }
  }
  for (const file of files.sort()) hash.update(`${file}\n`).update(await readFile(join(web, file)));
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = await buildWeb();
  const [target] = process.argv.slice(2);
  if (target !== undefined) {
    await mkdir(resolve(target), { recursive: true });
    await cp(folder, resolve(target), { recursive: true });
  }
  console.error(`The page is in ${resolve(target ?? folder)}`);
}
