/**
 * Breaks exports at each of their calls of the file system, lets another attempt go on, and compares what it has made
 * with an export that nothing broke. Prints a line for each difference, and how many calls were broken.
 *
 * Arguments: how to break, `die` (this call and all that follow never return) or `full` (the call fails with ENOSPC); then
 * the formats.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Annotation } from '../../../contract/annotation.ts';
import type { ExportFormatName, ExportRequest, ExportSample } from '../../../core/exporting/export-request.ts';

const [mode, ...formats] = process.argv.slice(2);
const folder = await fs.promises.mkdtemp(join(tmpdir(), 'plimsoll-break-'));

let calls = 0;
let breakAt = 0;

/** Counts a call, and breaks it if its turn has come. */
async function pass(): Promise<void> {
  calls += 1;
  if (mode === 'die' && breakAt > 0 && calls >= breakAt) await new Promise(() => {});
  if (mode === 'full' && calls === breakAt) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
}

function watch(target: object, names: readonly string[]): void {
  const functions = target as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const real = functions[name] as (...args: unknown[]) => unknown;
    functions[name] = async function (this: unknown, ...args: unknown[]) {
      await pass();
      return real.apply(this, args);
    };
  }
}

const { rm, readFile, writeFile, readdir, mkdir } = { ...fs.promises };
const handle = await fs.promises.open(folder);
watch(Object.getPrototypeOf(handle), ['write', 'writeFile', 'sync', 'utimes']);
await handle.close();
watch(fs.promises, ['open', 'rename', 'mkdir', 'writeFile', 'rm', 'rmdir', 'symlink', 'readdir']);
syncBuiltinESMExports();

const { exportSamples } = await import('../../../core/exporting/export-samples.ts');
const { folderSource } = await import('../../../core/sources/folder/folder-source.ts');

const object: Annotation = { label: 'cat', bounding_box: [0.1, 0.2, 0.3, 0.4] };
const picture: Annotation = { label: 'cat' };

async function samplesFor(format: ExportRequest['format']): Promise<ExportSample[]> {
  const samples: ExportSample[] = [];
  await mkdir(join(folder, 'one/x'), { recursive: true });
  await mkdir(join(folder, 'two/x'), { recursive: true });
  for (const [seq, name] of ['one/x/a.jpg', 'two/x/a.jpg', 'one/b.jpg'].entries()) {
    const path = join(folder, name);
    await writeFile(path, `content of ${name}`);
    samples.push({
      seq,
      file: { path },
      name: name.slice(4),
      width: 20,
      height: 10,
      tags: [],
      ...(seq > 0 && { split: 'val' }),
      annotations: [format === 'folders' ? picture : object],
      vector: new Float32Array([seq, 1]),
    });
  }
  return samples;
}

async function treeOf(path: string): Promise<string> {
  const parts: string[] = [];
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = join(path, entry.name);
    parts.push(
      entry.isDirectory()
        ? `${entry.name}/\n${await treeOf(below)}`
        : `${entry.name} ${entry.isSymbolicLink() ? 'link' : (await readFile(below)).toString('hex')}`,
    );
  }
  return parts.join('\n');
}

const options = [
  ...formats.map((format) => ({ format: format as ExportFormatName, images: 'copy' as const })),
  { format: 'yolo' as const, images: 'link' as const },
];
for (const { format, images } of options) {
  const samples = await samplesFor(format);
  let targets = 0;
  const request = (): ExportRequest => ({
    target: join(folder, `${format}-${images}-${targets}`),
    format,
    images,
    classes: [],
    dataset: 'pets',
    field: 'ground_truth',
    id: 'job',
    signal: new AbortController().signal,
    onProgress: () => {},
    open: folderSource().open,
  });
  const attempt = () =>
    exportSamples(async function* () {
      yield* samples;
    }, request());

  /** Waits for the export, or until nothing moves any more because it is dead. */
  async function broken(at: number): Promise<void> {
    calls = 0;
    breakAt = at;
    const ended = attempt().then(
      () => {},
      (error: Error) => {
        if (mode === 'die' || !/no space left|disk is full/.test(error.message))
          console.log(`${format} ${at}: ${error}`);
      },
    );
    const died = (async () => {
      while (calls < at) await new Promise((resolve) => setTimeout(resolve, 1));
      // Calls that had begun before are over by then.
      await new Promise((resolve) => setTimeout(resolve, 40));
    })();
    await (mode === 'die' ? died : ended);
    breakAt = 0;
  }

  calls = 0;
  await attempt();
  const total = calls;
  const whole = await treeOf(request().target);
  for (let at = 1; at <= total; at++) {
    targets += 1;
    await broken(at);
    await attempt();
    if ((await treeOf(request().target)) !== whole) console.log(`${format} ${images}: differs after a break at ${at}.`);
    await rm(request().target, { recursive: true });
  }
  console.log(`${format} ${images}: ${total} breaks`);
}
await rm(folder, { recursive: true });
process.exit(0);
