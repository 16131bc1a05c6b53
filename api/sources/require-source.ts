import { isAbsolute } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { requireBelowRoots, type SourceRoots } from '../../core/sources/folder/source-roots.ts';
import { problemOf } from '../problem/to-problem.ts';

/** Refuses a source outside the roots, after resolving links, with the same words whether it exists or not. */
export async function requireSource(source: string, roots: SourceRoots, field = 'source'): Promise<void> {
  if (source.includes('\0'))
    throw problemOf('InvalidInput', `${field}: a path has no zero byte.`, {
      errors: [{ in: 'body', field, message: 'has a zero byte' }],
    });
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
