import { hash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeDurably } from '../artifact/write-durably.ts';
import { systemErrorCode, UserError } from '../errors.ts';
import type { ExportCounts, ExportRequest } from './export-request.ts';

/** Says whose export a folder holds, and whether it is finished. */
const MARKER = '.plimsoll-export.json';
const MARKER_DRAFT = `${MARKER}.tmp`;
/** Holds files that are being written. */
export const SCRATCH = '.plimsoll-export.parts';

const markerSchema = z.object({
  /** The hash of the request. */
  request: z.string(),
  /** The ID of the request that finished it, and what it counted. */
  finished: z.object({ id: z.string(), counts: z.custom<ExportCounts>() }).optional(),
});
type Marker = z.infer<typeof markerSchema>;

/**
 * Finds out whether a request may be written to its folder. Changes nothing.
 *
 * @returns the counts of this very export if it is finished
 * @throws UserError ExportNotWritable
 */
export async function checkTarget(request: ExportRequest): Promise<ExportCounts | undefined> {
  const marker = await readMarker(request);
  if (marker === undefined) return undefined;
  if (marker.finished?.id === request.id && marker.request === hashOf(request)) return marker.finished.counts;
  if (marker.finished !== undefined) throw notWritable(request, 'it holds a finished export. Name another folder.');
  if (marker.request !== hashOf(request))
    throw notWritable(request, 'it holds an unfinished export with other options. Remove it, or name another folder.');
  return undefined;
}

/** @returns what the marker says. Undefined if the folder is not there or is empty. @throws UserError ExportNotWritable */
export async function readMarker(request: ExportRequest): Promise<Marker | undefined> {
  try {
    const names = await readdir(request.target);
    if (names.includes(MARKER))
      return markerSchema.parse(JSON.parse(await readFile(join(request.target, MARKER), 'utf8')));
    // A killed attempt may have left these before there was a marker.
    if (names.every((name) => name === MARKER_DRAFT || name === SCRATCH)) return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw notWritable(request, 'a part of its path is a file.', error);
    if (code === 'EACCES' || code === 'EPERM') throw notWritable(request, `it may not be read (${code}).`, error);
    if (error instanceof SyntaxError || error instanceof z.ZodError)
      throw notWritable(request, `its ${MARKER} is not ours.`, error);
    throw error;
  }
  throw notWritable(request, 'it is not empty. Name a folder that is not there, or an empty one.');
}

/** Says in a folder whose export it holds, and what was counted if it is finished. */
export async function markTarget(request: ExportRequest, counts?: ExportCounts): Promise<void> {
  const { target, id } = request;
  const marker: Marker = { request: hashOf(request), ...(counts && { finished: { id, counts } }) };
  const beside = join(target, MARKER_DRAFT);
  await rm(beside, { force: true });
  await writeDurably(join(target, MARKER), (file) => file.writeFile(`${JSON.stringify(marker)}\n`), beside);
}

/** What makes two requests the same export: all that decides what is written. */
const hashOf = ({ format, images, dataset, field, task, vectors, selection }: ExportRequest): string =>
  hash('sha256', JSON.stringify({ format, images, dataset, field, task, vectors, selection }));

/** @param why the rest of a sentence whose subject is the folder */
export const notWritable = ({ target }: ExportRequest, why: string, cause?: unknown): UserError =>
  new UserError('ExportNotWritable', `The dataset can't be exported to ${target}: ${why}`, { cause });
