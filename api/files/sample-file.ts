import { UserError } from '../../core/errors.ts';
import { fileOfSample } from '../../core/sources/files.ts';
import { FileUnavailableError, type OpenFile, type Sources } from '../../core/sources/source.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import { problemOf } from '../problem/to-problem.ts';

/** Opens a sample's file. @throws ProblemError FileGone, FileOutsideRoots */
export async function openSampleFile(sample: SampleDocument, sources: Sources): Promise<OpenFile> {
  const file = fileOfSample(sample);
  try {
    return await sources.of(file.path).open(file);
  } catch (error) {
    throw toProblem(error);
  }
}

/** Reads the current fingerprint of a sample's file. @throws ProblemError FileGone, FileOutsideRoots */
export async function currentFingerprint(sample: SampleDocument, sources: Sources): Promise<string> {
  const file = fileOfSample(sample);
  try {
    const source = sources.of(file.path);
    const facts = await source.stat(file);
    if (facts === undefined) throw problemOf('FileGone', 'There is no file any more where the sample was.');
    if (!(await source.allows(file))) throw outsideRoots();
    return facts.fingerprint;
  } catch (error) {
    throw toProblem(error);
  }
}

function toProblem(error: unknown): unknown {
  if (error instanceof FileUnavailableError)
    return error.code === 'outside_roots' ? outsideRoots() : problemOf('FileGone', error.message);
  if (error instanceof UserError && error.code === 'UnknownSource')
    return problemOf('FileGone', 'This server reads no files from the source of the sample.');
  return error;
}

const outsideRoots = (): ProblemError =>
  problemOf(
    'FileOutsideRoots',
    'The file is not below a source root of this server (PLIMSOLL_SOURCE_ROOTS), once links are resolved.',
  );
