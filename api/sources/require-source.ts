import { dirname, isAbsolute } from 'node:path';
import type { LoadDatasetInput } from '../../contract/inputs.ts';
import { UserError } from '../../core/errors.ts';
import { requireBelowRoots, type SourceRoots } from '../../core/sources/folder/source-roots.ts';
import type { Sources } from '../../core/sources/source.ts';
import { problemOf } from '../problem/to-problem.ts';

export interface SourceRules {
  sources: Sources;
  /** Source roots: a folder must be one of them or below one. */
  roots: SourceRoots;
}

/**
 * Refuses a source of an unknown kind, and a folder that is outside the roots after links are resolved. The message is
 * the same whether the folder exists or not.
 *
 * @throws ProblemError InvalidInput, SourceOutsideRoots
 */
export async function requireSource(source: string, { sources, roots }: SourceRules, field = 'source'): Promise<void> {
  if (source.includes('\0'))
    throw problemOf('InvalidInput', `${field}: a path has no zero byte.`, {
      errors: [{ in: 'body', field, message: 'has a zero byte' }],
    });
  // Only folders are named by paths and bounded by roots.
  if (isOtherKind(source, sources)) return;
  if (!isAbsolute(source)) {
    const message = `must be the absolute path of a folder, not "${source}"`;
    throw problemOf('InvalidInput', `${field} ${message}`, { errors: [{ in: 'body', field, message }] });
  }
  try {
    await requireBelowRoots(source, roots);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = `${source} is not in or below a source root of this server. GET /api/sources lists them, PLIMSOLL_SOURCE_ROOTS sets them.`;
    throw problemOf('SourceOutsideRoots', `${field}: ${message}`, { errors: [{ in: 'body', field, message }] });
  }
}

/**
 * Refuses the sources of a load, and the files that it is to write, outside the roots.
 *
 * @throws ProblemError InvalidInput, SourceOutsideRoots
 */
export async function requireLoadPlaces(
  {
    source,
    artifact,
    artifact_index,
    annotations,
  }: Pick<LoadDatasetInput, 'source' | 'artifact' | 'artifact_index' | 'annotations'>,
  rules: SourceRules,
  below = '',
): Promise<void> {
  await requireSource(source, rules, `${below}source`);
  for (const [field, file] of Object.entries({ artifact, artifact_index }))
    if (file !== undefined) await requireSource(dirname(file), rules, `${below}${field}`);
  await requireAnnotationPlaces(annotations, rules, below);
}

/**
 * Refuses annotations outside the roots.
 *
 * @throws ProblemError InvalidInput, SourceOutsideRoots
 */
export async function requireAnnotationPlaces(
  annotations: LoadDatasetInput['annotations'],
  rules: SourceRules,
  below = '',
): Promise<void> {
  if (annotations === undefined || annotations === 'none') return;
  for (const [i, path] of annotations.paths.entries())
    await requireSource(path, rules, `${below}annotations.paths.${i}`);
}

function isOtherKind(source: string, sources: Sources): boolean {
  try {
    return sources.of(source).localPath === undefined;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
