import { UserError } from '../../core/errors.ts';
import { requireBelowRoots, type SourceRoots } from '../../core/sources/source-roots.ts';
import { problemOf } from '../problem/to-problem.ts';

/** Refuses a source outside the roots, after resolving links, with the same words whether it exists or not. */
export async function requireSource(source: string, roots: SourceRoots): Promise<void> {
  if (source.includes('\0'))
    throw problemOf('InvalidInput', 'source: a path has no zero byte.', {
      errors: [{ in: 'body', field: 'source', message: 'has a zero byte' }],
    });
  try {
    await requireBelowRoots(source, roots);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw problemOf(
      'SourceOutsideRoots',
      `source: ${source} is not in or below a source root of this server. GET /api/sources lists them, PLIMSOLL_SOURCE_ROOTS sets them.`,
    );
  }
}
