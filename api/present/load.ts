import { isAbsolute } from 'node:path';
import type { LoadStatus } from '../../core/loads/status.ts';
import type { Load } from '../schemas/loads.ts';
import type { Scope } from '../schemas/server.ts';
import { withoutFolders } from './paths.ts';

/** A job's status as the caller may see it: without read of a path of this machine beyond a folder's last name. */
export function presentLoad(status: LoadStatus, scope: Scope, roots: readonly string[] = []): Load {
  if (scope === 'operate') return status;
  const { source, model } = status.request;
  const folders = [source, model].filter((path) => typeof path === 'string').filter((path) => isAbsolute(path));
  return withoutFolders(status, [...roots, ...folders]);
}
