import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { AnnotationFormat, ReadRequest, ReadStep } from '../../core/annotations/formats/format.ts';
import { annotationFiles } from '../../core/annotations/reading/annotation-files.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';

export const files = annotationFiles(createSources([folderSource()]));

/** Writes files by their relative names into a folder that is removed after the test. Returns its path. */
export async function folderWith(contents: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'annotations-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(contents)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return folder;
}

type Found = Omit<ReadStep, 'cursor'>;
type Request = Omit<ReadRequest, 'files'>;

export async function stepsOf(format: AnnotationFormat, request: Request): Promise<ReadStep[]> {
  return Array.fromAsync(format.read({ ...request, files }));
}

/** All that a format finds. */
export async function readAll(format: AnnotationFormat, request: Request): Promise<Found> {
  return joined(await stepsOf(format, request));
}

function joined(steps: ReadStep[]): Found {
  return {
    pieces: steps.flatMap((step) => step.pieces),
    invalid: steps.flatMap((step) => step.invalid),
    classes: steps.flatMap((step) => step.classes),
    bytes: steps.reduce((sum, step) => sum + step.bytes, 0),
  };
}

/** Checks that a reading that is cut behind any step and begun anew finds the same. */
export async function expectResumable(format: AnnotationFormat, request: Request, least: number): Promise<void> {
  const steps = await stepsOf(format, request);
  expect(steps.length).toBeGreaterThanOrEqual(least);
  for (const [index, { cursor }] of steps.entries()) {
    const from: unknown = JSON.parse(JSON.stringify(cursor));
    const rest = await stepsOf(format, { ...request, from });
    expect(joined([...steps.slice(0, index + 1), ...rest])).toEqual(joined(steps));
  }
}
