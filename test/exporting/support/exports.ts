import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ExportRequest, ExportSample } from '../../../core/exporting/export-request.ts';
import { exportSamples } from '../../../core/exporting/export-samples.ts';
import { folderSource } from '../../../core/sources/folder/folder-source.ts';

/** A folder that is removed after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-export-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const requestFor = (
  target: string,
  format: ExportRequest['format'],
  more: Partial<ExportRequest> = {},
): ExportRequest => ({
  target,
  format,
  images: 'none',
  classes: [],
  dataset: 'pets',
  field: 'ground_truth',
  id: 'job-1',
  signal: new AbortController().signal,
  onProgress: () => {},
  open: folderSource().open,
  ...more,
});

/** A sample of the source /photos. */
export const sampleOf = (seq: number, name: string, more: Partial<ExportSample> = {}): ExportSample => ({
  seq,
  file: { path: `/photos/${name}` },
  name,
  width: 200,
  height: 100,
  tags: [],
  annotations: [],
  ...more,
});

/** Writes a file and makes a sample of it. */
export async function fileSample(
  root: string,
  seq: number,
  name: string,
  content: string | Uint8Array,
  more: Partial<ExportSample> = {},
): Promise<ExportSample> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return sampleOf(seq, name, { file: { path }, ...more });
}

export const streamOf = (samples: readonly ExportSample[]) =>
  async function* () {
    yield* samples;
  };

/** Exports samples to a new folder. Returns the counts and all files. */
export async function exported(
  samples: readonly ExportSample[],
  format: ExportRequest['format'],
  more: Partial<ExportRequest> = {},
) {
  const target = join(await newFolder(), 'out');
  const counts = await exportSamples(streamOf(samples), requestFor(target, format, more));
  const files = await filesOf(target);
  return { target, counts, files, text: (path: string) => files.get(path)?.toString() };
}

/** The files below a folder by their paths. A link is where it leads to. */
export async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const visit = async (path: string) => {
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(below);
      else if (entry.isSymbolicLink()) files.set(below, Buffer.from(`-> ${await readlink(join(folder, below))}`));
      else files.set(below, await readFile(join(folder, below)));
    }
  };
  await visit('');
  return files;
}
