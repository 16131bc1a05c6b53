import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { AnnotationFormat, InvalidAnnotation, Piece, ReadStep } from '../../core/annotations/formats/format.ts';
import { annotationFiles } from '../../core/annotations/reading/annotation-files.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';

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

/** What a request may have beside the path and the files. */
export interface Asked {
  columns?: Record<string, string>;
  from?: unknown;
}

export const filesOfFolders = () => annotationFiles(createSources([folderSource()]));

export function stepsOf(format: AnnotationFormat, path: string, asked: Asked = {}): AsyncGenerator<ReadStep> {
  return format.read({ path, files: filesOfFolders(), ...asked });
}

export interface Found {
  pieces: Piece[];
  invalid: InvalidAnnotation[];
}

export async function readAll(format: AnnotationFormat, path: string, asked: Asked = {}): Promise<Found> {
  return joined(await Array.fromAsync(stepsOf(format, path, asked)));
}

const joined = (steps: readonly ReadStep[]): Found => ({
  pieces: steps.flatMap(({ pieces }) => pieces),
  invalid: steps.flatMap(({ invalid }) => invalid),
});

/** Reads on behind each step with a new reader, whose cursor went through JSON, and expects the same steps. */
export async function expectResumable(format: AnnotationFormat, path: string, asked: Asked = {}): Promise<ReadStep[]> {
  const steps = await Array.fromAsync(stepsOf(format, path, asked));
  for (const [k, { cursor }] of steps.entries()) {
    const from: unknown = JSON.parse(JSON.stringify(cursor));
    const rest = await Array.fromAsync(stepsOf(format, path, { ...asked, from }));
    expect(joined(rest)).toEqual(joined(steps.slice(k + 1)));
  }
  return steps;
}
