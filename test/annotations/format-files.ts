import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { AnnotationFormat, ReadRequest, ReadStep } from '../../core/annotations/formats/format.ts';
import { annotationFiles } from '../../core/annotations/reading/annotation-files.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';

export const files = annotationFiles(createSources([folderSource()]));

/** Makes a folder with these files. It is gone after the test. */
export function folderWith(contents: Record<string, string | Uint8Array>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'annotations-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** What a request may have beside the path. */
export type Asked = Partial<Omit<ReadRequest, 'path'>>;

export const stepsOf = (format: AnnotationFormat, path: string, asked: Asked = {}): AsyncGenerator<ReadStep> =>
  format.read({ path, files, ...asked });

/** All that some steps have. */
export type Found = Omit<ReadStep, 'cursor'>;

export const joined = (steps: readonly ReadStep[]): Found => ({
  pieces: steps.flatMap(({ pieces }) => pieces),
  invalid: steps.flatMap(({ invalid }) => invalid),
  classes: steps.flatMap(({ classes }) => classes),
  bytes: steps.reduce((sum, { bytes }) => sum + bytes, 0),
});

export async function readAll(format: AnnotationFormat, path: string, asked: Asked = {}): Promise<Found> {
  return joined(await Array.fromAsync(stepsOf(format, path, asked)));
}

/** Of many steps, some are enough: reading on behind each of n reads n²/2. */
const FEW = 8;

/** Reads on behind steps with a new reader, whose cursor went through JSON, and expects what the others have. */
export async function expectResumable(format: AnnotationFormat, path: string, asked: Asked = {}): Promise<ReadStep[]> {
  const steps = await Array.fromAsync(stepsOf(format, path, asked));
  for (const [k, { cursor }] of steps.entries()) {
    if (steps.length > FEW && k % 7 !== 1 && k !== steps.length - 1) continue;
    const from: unknown = JSON.parse(JSON.stringify(cursor));
    const rest = await Array.fromAsync(stepsOf(format, path, { ...asked, from }));
    expect(joined(rest)).toEqual(joined(steps.slice(k + 1)));
  }
  return steps;
}
